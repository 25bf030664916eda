"""Every span, event and log attribute that worthwhile writes or reads as its own, declared once.

`gen_ai.*`, `openai.*`, `error.*`, `http.*`, `server.*` are OpenTelemetry's; `worthwhile.*` are ours. The GenAI names
are those of semantic-conventions-genai (development status, November 2026); they are declared here because they left
the main semantic-conventions package. A renamed attribute keeps its old name readable in `dialects/`, never here.
"""

from typing import Final, Literal

AttributeType = Literal["string", "string[]", "int", "double", "bool"]
Origin = Literal["semconv", "worthwhile"]


class Attribute(str):
    """An attribute's key that also knows its type, unit and meaning.

    It is a `str`, so OpenTelemetry takes it as a key as it is.

    Attributes:
        type: OpenTelemetry value type.
        unit: UCUM unit, `""` for none.
        meaning: One sentence, shown in the documentation and used as column comment.
        origin: Whether OpenTelemetry or worthwhile defines the name.
    """

    __slots__ = ("meaning", "origin", "type", "unit")

    type: AttributeType
    unit: str
    meaning: str
    origin: Origin

    def __new__(cls, key: str, type_: AttributeType, unit: str, meaning: str) -> "Attribute":
        """Declare `key`; its origin follows from its prefix."""
        self = super().__new__(cls, key)
        self.type = type_
        self.unit = unit
        self.meaning = meaning
        self.origin = "worthwhile" if key.startswith("worthwhile.") else "semconv"
        return self


# What a span is
SPAN_TYPE: Final = Attribute("worthwhile.span.type", "string", "", "`task` or `call`: what this span of ours records")

# Identity of work
WORKLOAD: Final = Attribute("worthwhile.workload", "string", "", "Name of the task's kind, as given to `@ww.task`")
TASK_ID: Final = Attribute(
    "worthwhile.task.id", "string", "", "UUIDv7 of one run of the innermost task around this span"
)
TASK_KEY: Final = Attribute(
    "worthwhile.task.key", "string", "", "The host's own key of the task, such as a ticket number"
)
TASK_ANCESTORS: Final = Attribute(
    "worthwhile.task.ancestors",
    "string",
    "",
    "Comma-joined ids of the enclosing tasks, outermost first; absent at top level",
)
TASK_STATUS: Final = Attribute(
    "worthwhile.task.status", "string", "", "How the run ended: `completed`, `failed`, `cancelled` or `abandoned`"
)
WORKFLOW_NAME: Final = Attribute(
    "gen_ai.workflow.name", "string", "", "The workload again, under its semantic-convention name"
)

# The model call: request
OPERATION: Final = Attribute(
    "gen_ai.operation.name", "string", "", "Kind of call: `chat`, `embeddings`, `text_completion`"
)
PROVIDER: Final = Attribute(
    "gen_ai.provider.name", "string", "", "Who answers the call, in semantic-convention spelling"
)
REQUEST_MODEL: Final = Attribute("gen_ai.request.model", "string", "", "Model that the caller asked for")
REQUEST_STREAM: Final = Attribute("gen_ai.request.stream", "bool", "", "True on a streamed call, absent otherwise")
REQUEST_MAX_TOKENS: Final = Attribute(
    "gen_ai.request.max_tokens", "int", "{token}", "Upper bound on output tokens asked for"
)
REQUEST_TEMPERATURE: Final = Attribute("gen_ai.request.temperature", "double", "1", "Sampling temperature asked for")
REQUEST_TOP_P: Final = Attribute("gen_ai.request.top_p", "double", "1", "Nucleus-sampling mass asked for")
REQUEST_SEED: Final = Attribute("gen_ai.request.seed", "int", "1", "Sampling seed asked for")
REQUEST_FREQUENCY_PENALTY: Final = Attribute(
    "gen_ai.request.frequency_penalty", "double", "1", "Frequency penalty asked for"
)
REQUEST_PRESENCE_PENALTY: Final = Attribute(
    "gen_ai.request.presence_penalty", "double", "1", "Presence penalty asked for"
)
REQUEST_CHOICE_COUNT: Final = Attribute("gen_ai.request.choice.count", "int", "1", "Choices asked for, when not one")
REQUEST_REASONING_LEVEL: Final = Attribute("gen_ai.request.reasoning.level", "string", "", "Reasoning effort asked for")
OUTPUT_TYPE: Final = Attribute("gen_ai.output.type", "string", "", "Kind of output asked for: `text` or `json`")
CONVERSATION_ID: Final = Attribute(
    "gen_ai.conversation.id", "string", "", "Conversation that the host named; never invented"
)
EMBEDDING_DIMENSIONS: Final = Attribute(
    "gen_ai.embeddings.dimension.count", "int", "1", "Embedding dimensions asked for"
)
REQUEST_SERVICE_TIER: Final = Attribute("openai.request.service_tier", "string", "", "Service tier asked for (OpenAI)")
OPENAI_API_TYPE: Final = Attribute("openai.api.type", "string", "", "`chat_completions` or `responses`")
SERVER_ADDRESS: Final = Attribute("server.address", "string", "", "Host that the client was pointed at")
SERVER_PORT: Final = Attribute("server.port", "int", "", "Port that the client was pointed at")

# The model call: response
RESPONSE_ID: Final = Attribute("gen_ai.response.id", "string", "", "Provider's id of the response")
RESPONSE_MODEL: Final = Attribute("gen_ai.response.model", "string", "", "Model that answered")
FINISH_REASONS: Final = Attribute(
    "gen_ai.response.finish_reasons", "string[]", "", "Why generation ended, one per choice"
)
TIME_TO_FIRST_CHUNK: Final = Attribute(
    "gen_ai.response.time_to_first_chunk",
    "double",
    "s",
    "From before the client call to the first chunk that it yielded",
)
RESPONSE_SERVICE_TIER: Final = Attribute(
    "openai.response.service_tier", "string", "", "Service tier that was applied (OpenAI)"
)
SYSTEM_FINGERPRINT: Final = Attribute(
    "openai.response.system_fingerprint", "string", "", "Backend fingerprint (OpenAI)"
)
SERVICE_TIER: Final = Attribute(
    "worthwhile.service_tier",
    "string",
    "",
    "Applied service tier, normalised: `standard`, `flex`, `priority` or `batch`",
)
ERROR_TYPE: Final = Attribute("error.type", "string", "", "Qualified class name of the exception that ended the call")
HTTP_STATUS: Final = Attribute("http.response.status_code", "int", "", "HTTP status of the last try, or of the attempt")
RESEND_COUNT: Final = Attribute(
    "http.request.resend_count", "int", "1", "HTTP tries after the first one; absent when none"
)
RETRY_WAIT: Final = Attribute(
    "worthwhile.retry.wait",
    "double",
    "s",
    "Time of the call that went into waiting between HTTP tries; absent when none",
)

# Tokens. Input includes cache reads and writes; output includes reasoning.
TOKEN_SEMANTICS: Final = Attribute(
    "gen_ai.token.semantics", "string", "", "Always `inclusive`: input contains its cached parts"
)
INPUT_TOKENS: Final = Attribute(
    "gen_ai.usage.input_tokens", "int", "{token}", "Input tokens, cache reads and writes included"
)
OUTPUT_TOKENS: Final = Attribute("gen_ai.usage.output_tokens", "int", "{token}", "Output tokens, reasoning included")
CACHE_READ_TOKENS: Final = Attribute(
    "gen_ai.usage.cache_read.input_tokens", "int", "{token}", "Part of the input that the provider read from its cache"
)
CACHE_WRITE_TOKENS: Final = Attribute(
    "gen_ai.usage.cache_write.input_tokens", "int", "{token}", "Part of the input that the provider wrote to its cache"
)
CACHE_WRITE_1H_TOKENS: Final = Attribute(
    "worthwhile.usage.cache_write_1h.input_tokens",
    "int",
    "{token}",
    "Part of the cache writes kept for an hour or more",
)
REASONING_TOKENS: Final = Attribute(
    "gen_ai.usage.reasoning.output_tokens", "int", "{token}", "Part of the output spent on reasoning"
)
AUDIO_INPUT_TOKENS: Final = Attribute(
    "gen_ai.usage.audio.input_tokens", "int", "{token}", "Part of the input that is audio"
)
AUDIO_OUTPUT_TOKENS: Final = Attribute(
    "gen_ai.usage.audio.output_tokens", "int", "{token}", "Part of the output that is audio"
)
WEB_SEARCHES: Final = Attribute(
    "worthwhile.usage.web_searches", "int", "1", "Web searches that the provider ran and bills"
)
USAGE_BASIS: Final = Attribute(
    "worthwhile.usage.basis", "string", "", "`reported`, `derived`, `estimated`, `missing` or `inconsistent`"
)

# Cost. Absent means unknown, never zero.
COST_AMOUNT: Final = Attribute("worthwhile.cost.amount", "double", "USD", "Cost of the call; absent when unknown")
COST_INPUT: Final = Attribute("worthwhile.cost.input", "double", "USD", "Part of the cost for fresh input tokens")
COST_CACHE_READ: Final = Attribute("worthwhile.cost.cache_read", "double", "USD", "Part of the cost for cache reads")
COST_CACHE_WRITE: Final = Attribute("worthwhile.cost.cache_write", "double", "USD", "Part of the cost for cache writes")
COST_OUTPUT: Final = Attribute("worthwhile.cost.output", "double", "USD", "Part of the cost for output tokens")
COST_SERVER_TOOLS: Final = Attribute(
    "worthwhile.cost.server_tools", "double", "USD", "Part of the cost for server-side tools"
)
COST_CACHE_SAVING: Final = Attribute(
    "worthwhile.cost.cache_saving",
    "double",
    "USD",
    "What the call would have cost more without prompt caching, or without the response cache; may be negative",
)
COST_BASIS: Final = Attribute(
    "worthwhile.cost.basis", "string", "", "`provider`, `list`, `contract`, `self_hosted` or `unknown`"
)
PRICE_VERSION: Final = Attribute(
    "worthwhile.cost.price_version", "string", "", "Version of the price snapshot that was used"
)

# Routing
TIER: Final = Attribute(
    "worthwhile.route.tier", "string", "", "`edge`, `local`, `gateway`, `cloud` or `frontier`; absent if unknown"
)
LOCALITY: Final = Attribute(
    "worthwhile.route.locality",
    "string",
    "",
    "Where the server is, seen from the caller: `host`, `private` or `public`; absent if unknown",
)
LOCALITY_BASIS: Final = Attribute(
    "worthwhile.route.locality_basis",
    "string",
    "",
    "What says so: `unix_socket`, `loopback`, `container_host`, or the kind of name or address, as `private_name`",
)
CACHE_KIND: Final = Attribute(
    "worthwhile.cache.kind", "string", "", "Response cache that answered: `exact`, `semantic`, `gateway`"
)
CACHE_MISS: Final = Attribute(
    "worthwhile.cache.miss", "bool", "", "True on a call that was made because a response cache had no answer"
)
FALLBACK_FROM: Final = Attribute("worthwhile.fallback.from", "string", "", "Model whose failure led to this call")
FALLBACK_FROM_TIER: Final = Attribute(
    "worthwhile.fallback.from_tier", "string", "", "Tier of the model whose failure led to this call"
)
FALLBACK_TO: Final = Attribute("worthwhile.fallback.to", "string", "", "Model that this call went to instead")
FALLBACK_REASON: Final = Attribute(
    "worthwhile.fallback.reason",
    "string",
    "",
    "`error.type` of the failure that led here; `rejected`, or the host's own word, for a poor answer",
)
FALLBACK_KIND: Final = Attribute(
    "worthwhile.fallback.kind",
    "string",
    "",
    "`timeout`, `rate_limit`, `unavailable`, `context_length`, `content_filter`, `quality` or `error`",
)
FALLBACK_CHAIN: Final = Attribute(
    "worthwhile.fallback.chain", "string", "", "Id of one run of `ww.fallback`, on every call of all its legs"
)
FALLBACK_INDEX: Final = Attribute(
    "worthwhile.fallback.index", "int", "1", "1 for the first fallback leg of a step, 2 for the next"
)

# Energy
ENERGY: Final = Attribute(
    "worthwhile.energy.consumption", "double", "J", "Energy of the call; absent when not measured"
)
ENERGY_METHOD: Final = Attribute(
    "worthwhile.energy.method", "string", "", "`metered`, `attributed`, `modelled` or `estimated`"
)

# Sampling
SAMPLE_WEIGHT: Final = Attribute(
    "worthwhile.sample.weight", "double", "1", "Calls that this one stands for; absent means 1"
)

# Attempts: span events on a call span, one per HTTP try
ATTEMPT_EVENT: Final = "worthwhile.attempt"
ATTEMPT_NUMBER: Final = Attribute("worthwhile.attempt.number", "int", "1", "1 for the first HTTP try of a call")
ATTEMPT_DURATION: Final = Attribute(
    "worthwhile.attempt.duration", "double", "s", "From sending the try to its response head"
)
ATTEMPT_WAIT: Final = Attribute(
    "worthwhile.attempt.wait", "double", "s", "Back-off that preceded the try; 0 for the first"
)
ATTEMPT_BILLED: Final = Attribute(
    "worthwhile.attempt.billed", "bool", "", "Whether the provider bills the try; absent where that is not known"
)

# Signals: OpenTelemetry log records with this event name
SIGNAL_EVENT: Final = "gen_ai.evaluation.result"
EVALUATION_NAME: Final = Attribute(
    "gen_ai.evaluation.name", "string", "", "Name of the judgement: `outcome`, or the score's name"
)
EVALUATION_LABEL: Final = Attribute(
    "gen_ai.evaluation.score.label", "string", "", "The signal's kind again, for other readers"
)
EVALUATION_VALUE: Final = Attribute(
    "gen_ai.evaluation.score.value", "double", "1", "Score, edit distance or review minutes"
)
SIGNAL_ID: Final = Attribute(
    "worthwhile.signal.id", "string", "", "Idempotency id: the same id again revises the same signal"
)
SIGNAL_KIND: Final = Attribute(
    "worthwhile.signal.kind", "string", "", "`accept`, `reject`, `edit`, `escalate`, `fail`, `score` or `void`"
)
SIGNAL_PASSED: Final = Attribute(
    "worthwhile.signal.passed", "bool", "", "Whether a score counts as success; absent when it decides nothing"
)
SIGNAL_SOURCE: Final = Attribute(
    "worthwhile.signal.source", "string", "", "Authority: `human`, `automated` or `system`"
)
SIGNAL_ACTOR: Final = Attribute("worthwhile.signal.actor", "string", "", "Who or what judged, as the host names it")
SIGNAL_REVISION: Final = Attribute(
    "worthwhile.signal.revision", "int", "1", "The highest revision of a signal id counts"
)
SIGNAL_VOIDED: Final = Attribute("worthwhile.signal.voided", "bool", "", "True when this revision withdraws the signal")

# Content of model calls, where it was asked for: OpenTelemetry log records with this event name
CONTENT_EVENT: Final = "gen_ai.client.inference.operation.details"
SYSTEM_INSTRUCTIONS: Final = Attribute(
    "gen_ai.system_instructions", "string", "", "Instructions apart from the conversation, as a JSON list of parts"
)
INPUT_MESSAGES: Final = Attribute(
    "gen_ai.input.messages", "string", "", "What the model was sent, as a JSON list of messages made of parts"
)
OUTPUT_MESSAGES: Final = Attribute(
    "gen_ai.output.messages", "string", "", "What it answered, likewise, with the reason why each message ended"
)
TOOL_DEFINITIONS: Final = Attribute(
    "gen_ai.tool.definitions", "string", "", "Tools that the model could call, as a JSON list"
)
CONTENT_TRUNCATED: Final = Attribute(
    "worthwhile.content.truncated",
    "int",
    "{character}",
    "Characters that were there where content was cut, as far as they were looked at; absent where nothing was cut",
)

# SDK health, on a log record of its own
SDK_DROPPED_EVENT: Final = "worthwhile.sdk.dropped"
SDK_DROPPED_SPANS: Final = Attribute(
    "worthwhile.sdk.dropped", "int", "{span}", "Spans and signals lost so far in this process"
)
SDK_DROPPED_CAUSE: Final = Attribute(
    "worthwhile.sdk.dropped.cause",
    "string",
    "",
    "Why: `queue_full`, `closed`, `encode_error`, `quota`, `disk`, `refused`, or `earlier`: by processes that ended",
)
SDK_DROPPED_KIND: Final = Attribute("worthwhile.sdk.dropped.kind", "string", "", "What was lost: `spans` or `signals`")

ATTRIBUTES: Final = {str(a): a for a in list(globals().values()) if isinstance(a, Attribute)}
"""Every attribute above, by key."""
