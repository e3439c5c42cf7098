"""Check that PostgreSQL and Redis are available, before `make test-services` runs the tests."""

from __future__ import annotations

import os
import sys

import psycopg
import redis

TIMEOUT_SECONDS = 5
# the tests create their own database
MAY_CREATE_DATABASES = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"


def main() -> None:
    sys.exit(
        postgresql_problem(required_variable("DATABASE_URL"))
        or redis_problem(required_variable("REDIS_URL"))
    )


def required_variable(variable: str) -> str:
    return os.environ.get(variable) or sys.exit(
        f"{variable} is not set: make test-services needs a real PostgreSQL and a real Redis."
    )


def postgresql_problem(url: str) -> str | None:
    try:
        with psycopg.connect(url, dbname="postgres", connect_timeout=TIMEOUT_SECONDS) as connection:
            row = connection.execute(MAY_CREATE_DATABASES).fetchone()
    except psycopg.Error as error:
        return f"DATABASE_URL: no PostgreSQL answers: {first_line(error)}"
    return None if row and row[0] else "The role of DATABASE_URL may not create databases."


def redis_problem(url: str) -> str | None:
    timeouts = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    try:
        with redis.Redis.from_url(url, **timeouts) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        return f"REDIS_URL: no Redis answers: {first_line(error)}"
    return None


def first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


if __name__ == "__main__":
    main()
