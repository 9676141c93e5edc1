"""Buckets of time in SQL, cut in the time zone of the parameter `timezone`.

Buckets of whole hours, days, weeks and months begin by local time there: a day has 23 hours where daylight saving time
begins, and 25 where it ends. Buckets of up to an hour always have their length; the repeated hour is two buckets.
Other lengths (`7m`, `90m`) are cut as in UTC.
"""

from collections.abc import Iterator

from .parameters import parameters
from .views import text

__all__ = ["bucket_macros"]

# DuckDB inserts a macro's text at each use, so these are short.
_ZONE = f"COALESCE(getvariable('timezone')::VARCHAR, {text(str(parameters()['timezone'].default))})"
_MACROS = {
    # A moment in local time.
    "local_time(moment)": f"timezone({_ZONE}, timezone('UTC', moment))",
    # The first moment with a local time. Of two such moments DuckDB returns the second; the time just before it
    # occurs once. A local time that is skipped is the moment of the change.
    "first_moment(clock)": f"""least(
        timezone('UTC', timezone({_ZONE}, clock)),
        timezone('UTC', timezone({_ZONE}, clock - INTERVAL 1 MICROSECOND)) + INTERVAL 1 MICROSECOND
    )""",
    "has_utc_buckets(bucket)": f"""{_ZONE} = 'UTC'
        OR CASE WHEN bucket <= INTERVAL 1 HOUR THEN 3600 % epoch(bucket) ELSE epoch(bucket) % 3600 END <> 0""",
    # The beginning of the bucket of a moment.
    "bucket_start(bucket, moment)": """CASE
        WHEN has_utc_buckets(bucket) THEN time_bucket(bucket, moment)
        WHEN bucket <= INTERVAL 1 HOUR
            THEN moment - (local_time(moment) - time_bucket(bucket, local_time(moment)))
        WHEN bucket IS NOT NULL THEN first_moment(time_bucket(bucket, local_time(moment)))
    END""",
    # The beginnings of the buckets from the one of `since` on, before `until`.
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
    """Return the statements that create the macros `bucket_start`, `bucket_starts`, `bucket_end` and those they use."""
    for head, body in _MACROS.items():
        yield f"CREATE MACRO {head} AS {body}"
