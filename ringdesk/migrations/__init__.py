"""The database's versions. ``ringdesk serve`` brings the database up to date when it starts."""
