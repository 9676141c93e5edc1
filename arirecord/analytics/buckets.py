"""Buckets of time in SQL, cut in the time zone of the parameter `timezone`.

Buckets of whole hours, days, weeks and months begin as clocks there show it: where daylight saving time begins, a day
has 23 hours, and where it ends 25. Buckets of up to an hour have their length always; the hour that clocks show twice
is two buckets. A length that fits neither (`7m`, `90m`) is cut as in UTC.
"""

from collections.abc import Iterator

from .parameters import parameters
from .views import text

__all__ = ["bucket_macros"]

# DuckDB puts a macro's text wherever it is named, so these are short.
_ZONE = f"COALESCE(getvariable('timezone')::VARCHAR, {text(str(parameters()['timezone'].default))})"
_MACROS = {
    # A moment as clocks show it.
    "local_time(moment)": f"timezone({_ZONE}, timezone('UTC', moment))",
    # The first moment at which clocks show a time. Of two such moments DuckDB takes the second; the time just before it
    # occurs once. A time that clocks skip is the moment of the change.
    "first_moment(clock)": f"""least(
        timezone('UTC', timezone({_ZONE}, clock)),
        timezone('UTC', timezone({_ZONE}, clock - INTERVAL 1 MICROSECOND)) + INTERVAL 1 MICROSECOND
    )""",
    "has_utc_buckets(bucket)": f"""{_ZONE} = 'UTC'
        OR CASE WHEN bucket <= INTERVAL 1 HOUR THEN 3600 % epoch(bucket) ELSE epoch(bucket) % 3600 END <> 0""",
    # The beginning of the bucket that a moment is in.
    "bucket_start(bucket, moment)": """CASE
        WHEN has_utc_buckets(bucket) THEN time_bucket(bucket, moment)
        WHEN bucket <= INTERVAL 1 HOUR
            THEN moment - (local_time(moment) - time_bucket(bucket, local_time(moment)))
        WHEN bucket IS NOT NULL THEN first_moment(time_bucket(bucket, local_time(moment)))
    END""",
    # The beginnings of the buckets from the one that `since` is in, before `until`.
    "bucket_starts(bucket, since, until)": """CASE
        WHEN has_utc_buckets(bucket) OR bucket <= INTERVAL 1 HOUR
            THEN range(bucket_start(bucket, since), until, bucket)
        WHEN bucket IS NOT NULL THEN list_filter(
            list_transform(
                range(time_bucket(bucket, local_time(since)), local_time(until) + INTERVAL 1 DAY, bucket),
                lambda clock: first_moment(clock)
            ),
            lambda start: start < until
        )
    END""",
    "bucket_end(bucket, start)": """CASE
        WHEN has_utc_buckets(bucket) OR bucket <= INTERVAL 1 HOUR THEN start + bucket
        WHEN bucket IS NOT NULL THEN first_moment(time_bucket(bucket, local_time(start)) + bucket)
    END""",
}


def bucket_macros() -> Iterator[str]:
    """The statements that make the scalar macros `bucket_start`, `bucket_starts`, `bucket_end` and what they use."""
    for head, body in _MACROS.items():
        yield f"CREATE MACRO {head} AS {body}"
