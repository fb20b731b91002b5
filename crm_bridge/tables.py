"""Customers, their phones and the notes on them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from cti.storage import metadata

customers = Table(
    "customers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("external_id", String(120), nullable=True, unique=True),
    Column("name", String(200), nullable=False),
    Column("search", String(600), nullable=False, server_default=""),
    Column("status", String(60), nullable=False, server_default=""),
    Column("tier", String(60), nullable=False, server_default=""),
    Column("segment", String(60), nullable=False, server_default=""),
    Column("company", String(200), nullable=False, server_default=""),
    Column("owner_name", String(200), nullable=False, server_default=""),
    Column("owner_extension", String(40), nullable=False, server_default=""),
    Column("owner_mobile", String(20), nullable=False, server_default=""),
    Column("language", String(20), nullable=False, server_default=""),
    Column("value", BigInteger, nullable=False, server_default="0"),
    Column("open_complaint", Boolean, nullable=False, server_default=false()),
    Column("open_deal", Boolean, nullable=False, server_default=false()),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
)

phones = Table(
    "phones",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer_id", ForeignKey("customers.id", ondelete="CASCADE"), nullable=False),
    Column("number", String(20), nullable=False),
    Column("label", String(40), nullable=False, server_default=""),
    UniqueConstraint("customer_id", "number"),
    Index("ix_phones_number", "number"),
)

customer_notes = Table(
    "customer_notes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer_id", ForeignKey("customers.id", ondelete="CASCADE"), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("author", String(120), nullable=False),
    Column("text", Text, nullable=False),
    Index("ix_customer_notes_customer_id", "customer_id", "at"),
)
