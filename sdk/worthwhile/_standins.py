"""Stand-ins for what the SDK has, where it is not loaded: what spans are of, who made them, what they may hold."""

import os
import sys
from collections.abc import Mapping
from importlib import metadata
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast
from urllib.parse import unquote
from uuid import uuid4

from opentelemetry.util.types import AnyValue, Attributes

from worthwhile import _guard

if TYPE_CHECKING:
    from opentelemetry.sdk import resources
    from opentelemetry.sdk.trace import Event, SpanLimits
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope

    AnyLimits: TypeAlias = "Limits | SpanLimits"
    AnyResource: TypeAlias = "Resource | resources.Resource"
    AnyScope: TypeAlias = "Scope | InstrumentationScope"

SERVICE_NAME: Final = "service.name"

_INSTANCE: Final = "service.instance.id"
_VARIABLE: Final = "OTEL_RESOURCE_ATTRIBUTES"


class Resource(NamedTuple):
    """What a span is of; it has what encoders read of the SDK's `Resource`."""

    attributes: Mapping[str, AnyValue]
    schema_url: str = ""


class Limits(NamedTuple):
    """How much a span may hold, as the SDK's `SpanLimits` has it without any variable."""

    max_attributes: int | None = 128
    max_events: int | None = 128
    max_links: int | None = 128
    max_span_attributes: int | None = 128
    max_event_attributes: int | None = 128
    max_link_attributes: int | None = 128
    max_attribute_length: int | None = None
    max_span_attribute_length: int | None = None


def limits_in_force() -> Limits:
    """The limits that the environment asks for."""
    if any(name.startswith("OTEL_") and name.endswith("_LIMIT") for name in os.environ):
        from opentelemetry.sdk.trace import SpanLimits

        return cast("Limits", SpanLimits())
    return Limits()


class LeanEvent(NamedTuple):
    """An event of a span, in a process that has not loaded the SDK's."""

    name: str
    attributes: Attributes
    timestamp: int
    dropped_attributes: int = 0


def made_event(name: str, attributes: Attributes, timestamp: int) -> "Event":
    """An event of a span: the SDK's own, where that is loaded."""
    sdk = sys.modules.get("opentelemetry.sdk.trace")
    kind: type[Event] = getattr(sdk, "Event", cast("type[Event]", LeanEvent))
    return kind(name, attributes, timestamp)


class Scope(NamedTuple):
    """Under which name a span is made; it has what encoders read of the SDK's `InstrumentationScope`."""

    name: str
    version: str = ""
    schema_url: str = ""
    attributes: Mapping[str, AnyValue] | None = None


def of_service(name: str | None) -> Resource:
    """What the environment says of this process, which belongs to the service `name`, if that is known."""
    if os.environ.get("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS"):
        from opentelemetry.sdk.resources import Resource as SdkResource

        return Resource(SdkResource.create({SERVICE_NAME: name} if name else None).attributes)
    found: dict[str, AnyValue] = {
        "telemetry.sdk.language": "python",
        "telemetry.sdk.name": "opentelemetry",
        "telemetry.sdk.version": version_of("opentelemetry-sdk"),
        _INSTANCE: str(uuid4()),
        **_told(),
    }
    program = f":{os.path.basename(sys.executable)}" if sys.executable else ""  # noqa: PTH119 - as the SDK does it
    found[SERVICE_NAME] = name or found.get(SERVICE_NAME) or f"unknown_service{program}"
    return Resource(found)


def as_sdk_resource(resource: Resource) -> "resources.Resource":
    """The same for exporters that take the SDK's own."""
    from opentelemetry.sdk.resources import Resource as SdkResource

    return SdkResource(resource.attributes)


def of_child(resource: "AnyResource") -> "AnyResource":
    """The resource of a forked child: another instance of the service, unless the environment names the instance."""
    if _INSTANCE not in resource.attributes or _INSTANCE in _told():
        return resource
    own = Resource({**resource.attributes, _INSTANCE: str(uuid4())})
    return own if isinstance(resource, Resource) else as_sdk_resource(own)


def _told() -> dict[str, str]:
    """`OTEL_RESOURCE_ATTRIBUTES`: `name=value` pairs, percent-encoded, separated by commas."""
    found: dict[str, str] = {}
    for item in os.environ.get(_VARIABLE, "").split(","):
        key, equals, value = item.partition("=")
        if equals:
            found[key.strip()] = unquote(value.strip())
        elif item.strip():
            _guard.warn_once(f"ignored `{item[:64]}` in {_VARIABLE}: expected `name=value`")
    return found


def version_of(distribution: str) -> str:
    """Version of an installed distribution."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:  # run from a source tree
        return "0"
