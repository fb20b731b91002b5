"""The Asterisk Manager Interface (AMI): framing, messages, the link, and what we ask for.

``codec`` (pure) turns bytes into messages and actions into bytes; ``client`` keeps the link;
``actions`` (pure) says how each command is spelt as an AMI action.
"""
