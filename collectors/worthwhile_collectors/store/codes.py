"""ClickHouse's error codes, by what is at fault when an insert fails: these bytes, or this server as it is now.

The names are the engine's own (`errorCodeToName`); a test compares them. What is in no table here is unknown: such an
insert is repeated a bounded number of times, and only then taken apart to find the request that is at fault.
"""

from collections.abc import Mapping
from typing import Final, Literal

Fault = Literal["data", "server", "unknown"]

DATA: Final[Mapping[int, str]] = {
    3: "UNEXPECTED_END_OF_FILE",
    6: "CANNOT_PARSE_TEXT",
    19: "SIZE_OF_FIXED_STRING_DOESNT_MATCH",
    25: "CANNOT_PARSE_ESCAPE_SEQUENCE",
    26: "CANNOT_PARSE_QUOTED_STRING",
    27: "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
    32: "ATTEMPT_TO_READ_AFTER_EOF",
    33: "CANNOT_READ_ALL_DATA",
    38: "CANNOT_PARSE_DATE",
    41: "CANNOT_PARSE_DATETIME",
    69: "ARGUMENT_OUT_OF_BOUND",
    70: "CANNOT_CONVERT_TYPE",
    72: "CANNOT_PARSE_NUMBER",
    117: "INCORRECT_DATA",
    128: "TOO_LARGE_ARRAY_SIZE",
    130: "CANNOT_READ_ARRAY_FROM_TEXT",
    131: "TOO_LARGE_STRING_SIZE",
    153: "ILLEGAL_DIVISION",
    190: "SIZES_OF_ARRAYS_DONT_MATCH",
    306: "TOO_DEEP_RECURSION",
    321: "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
    349: "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN",
    376: "CANNOT_PARSE_UUID",
    407: "DECIMAL_OVERFLOW",
    436: "PROTOBUF_BAD_CAST",
    444: "UNKNOWN_PROTOBUF_FORMAT",
    467: "CANNOT_PARSE_BOOL",
    469: "VIOLATED_CONSTRAINT",
    563: "CANNOT_READ_MAP_FROM_TEXT",
    565: "TOO_MANY_PARTITIONS",
    632: "UNEXPECTED_DATA_AFTER_PARSED_VALUE",
    675: "CANNOT_PARSE_IPV4",
    676: "CANNOT_PARSE_IPV6",
    760: "UNICODE_ERROR",
}
"""The rows, or how many days they lie in, are at fault: some of the batch may well be insertable."""

FULL: Final[Mapping[int, str]] = {
    243: "NOT_ENOUGH_SPACE",
    1016: "TABLE_SIZE_LIMIT_EXCEEDED",
}
"""No room on the disk."""

READ_ONLY: Final[Mapping[int, str]] = {
    164: "READONLY",
    242: "TABLE_IS_READ_ONLY",
    472: "READONLY_SETTING",
    733: "TABLE_IS_BEING_RESTARTED",
    774: "TABLE_IS_PERMANENTLY_READ_ONLY",
}
"""Takes no writes: the user may not, the disk does not, or the replica has lost its Keeper."""

DENIED: Final[Mapping[int, str]] = {
    192: "UNKNOWN_USER",
    193: "WRONG_PASSWORD",
    194: "REQUIRED_PASSWORD",
    195: "IP_ADDRESS_NOT_ALLOWED",
    291: "DATABASE_ACCESS_DENIED",
    452: "SETTING_CONSTRAINT_VIOLATION",
    497: "ACCESS_DENIED",
    511: "UNKNOWN_ROLE",
    512: "SET_NON_GRANTED_ROLE",
    516: "AUTHENTICATION_FAILED",
    620: "QUERY_NOT_ALLOWED",
    720: "USER_EXPIRED",
    767: "REQUIRED_SECOND_FACTOR",
}
"""The user is not let in, or may not do this."""

MISSING: Final[Mapping[int, str]] = {
    60: "UNKNOWN_TABLE",
    81: "UNKNOWN_DATABASE",
    218: "TABLE_IS_DROPPED",
}
"""The tables are not there."""

OVERLOADED: Final[Mapping[int, str]] = {
    95: "CANNOT_READ_FROM_SOCKET",
    96: "CANNOT_WRITE_TO_SOCKET",
    159: "TIMEOUT_EXCEEDED",
    160: "TOO_SLOW",
    173: "CANNOT_ALLOCATE_MEMORY",
    198: "DNS_ERROR",
    201: "QUOTA_EXCEEDED",
    202: "TOO_MANY_SIMULTANEOUS_QUERIES",
    203: "NO_FREE_CONNECTION",
    209: "SOCKET_TIMEOUT",
    210: "NETWORK_ERROR",
    225: "NO_ZOOKEEPER",
    236: "ABORTED",
    241: "MEMORY_LIMIT_EXCEEDED",
    244: "UNEXPECTED_ZOOKEEPER_ERROR",
    252: "TOO_MANY_PARTS",
    254: "NO_ACTIVE_REPLICAS",
    265: "NO_AVAILABLE_REPLICA",
    279: "ALL_CONNECTION_TRIES_FAILED",
    285: "TOO_FEW_LIVE_REPLICAS",
    286: "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE",
    289: "REPLICA_IS_NOT_IN_QUORUM",
    290: "LIMIT_EXCEEDED",
    319: "UNKNOWN_STATUS_OF_INSERT",
    364: "RECEIVED_ERROR_TOO_MANY_REQUESTS",
    369: "ALL_REPLICAS_ARE_STALE",
    394: "QUERY_WAS_CANCELLED",
    416: "REPLICA_STATUS_CHANGED",
    439: "CANNOT_SCHEDULE_TASK",
    519: "NO_REMOTE_SHARD_AVAILABLE",
    574: "DISTRIBUTED_TOO_MANY_PENDING_BYTES",
    667: "NOT_INITIALIZED",
    692: "TOO_MANY_MUTATIONS",
    700: "USER_SESSION_LIMIT_EXCEEDED",
    718: "TOO_SLOW_PARSING",
    735: "QUERY_WAS_CANCELLED_BY_CLIENT",
    745: "SERVER_OVERLOADED",
    749: "TCP_CONNECTION_LIMIT_REACHED",
    762: "HTTP_CONNECTION_LIMIT_REACHED",
    776: "RESOURCE_LIMIT_EXCEEDED",
    777: "MEMORY_RESERVATION_KILLED",
    778: "MEMORY_RESERVATION_FAILED",
    904: "TOO_MANY_UNAVAILABLE_SHARDS",
    999: "KEEPER_EXCEPTION",
    1017: "ASYNC_INSERT_FLUSH_TIMEOUT",
    1019: "QUERY_SLOT_ACQUISITION_TIMEOUT",
    1020: "MEMORY_RESERVATION_ACQUISITION_TIMEOUT",
}
"""Out of memory, time, slots or quota, or a part of the cluster is away: the same may work later."""

UNFIT: Final[Mapping[int, str]] = {
    8: "THERE_IS_NO_COLUMN",
    10: "NOT_FOUND_COLUMN_IN_BLOCK",
    16: "NO_SUCH_COLUMN_IN_TABLE",
    20: "NUMBER_OF_COLUMNS_DOESNT_MATCH",
    24: "CANNOT_WRITE_TO_OSTREAM",
    46: "UNKNOWN_FUNCTION",
    47: "UNKNOWN_IDENTIFIER",
    50: "UNKNOWN_TYPE",
    62: "SYNTAX_ERROR",
    73: "UNKNOWN_FORMAT",
    75: "CANNOT_WRITE_TO_FILE_DESCRIPTOR",
    76: "CANNOT_OPEN_FILE",
    115: "UNKNOWN_SETTING",
    122: "INCOMPATIBLE_COLUMNS",
    156: "DICTIONARIES_WAS_NOT_LOADED",
    204: "CANNOT_FSYNC",
    281: "DICTIONARY_IS_EMPTY",
    342: "METADATA_MISMATCH",
    344: "SUPPORT_IS_DISABLED",
    434: "CANNOT_PARSE_PROTOBUF_SCHEMA",
    443: "NO_COLUMNS_SERIALIZED_TO_PROTOBUF_FIELDS",
    471: "INVALID_SETTING_VALUE",
    499: "S3_ERROR",
    500: "AZURE_BLOB_STORAGE_ERROR",
    510: "CACHE_DICTIONARY_UPDATE_FAIL",
    570: "DATA_TYPE_INCOMPATIBLE_WITH_PROTOBUF_FIELD",
    693: "AWS_ERROR",
}
"""The server's tables, dictionaries, settings or disks do not do what an insert of ours needs, whatever is in it."""

_SERVER: Final = FULL.keys() | READ_ONLY.keys() | DENIED.keys() | MISSING.keys() | OVERLOADED.keys() | UNFIT.keys()


def fault(code: int) -> Fault:
    """What is at fault when an insert fails with this code; 0 is no code at all."""
    if code in DATA:
        return "data"
    return "server" if code in _SERVER else "unknown"
