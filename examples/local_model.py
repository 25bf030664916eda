"""Serve a tiny language model with the real llama.cpp HTTP server: no download, no network, ready in a second.

The weights are random and made on the spot, so the answers are noise; the server, its tokenizer, its prompt cache, its
grammars (`response_format`) and its token counts are the real thing.

    python examples/local_model.py        # prints its address, then serves until Ctrl-C
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

import gguf
import numpy as np
import xllamacpp

NAME = "tiny-llama"
WIDTH, LAYERS, HEADS, FEED_FORWARD, CONTEXT = 64, 2, 4, 128, 2048
SLOTS = 4
HTTP_THREADS = 64  # a kept-alive connection holds a thread of llama.cpp's HTTP server, and others wait for it
CHAT_TEMPLATE = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}assistant: "


def main() -> None:
    """Write the model into a temporary folder and serve it on loopback."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 takes a free one")
    port = parser.parse_args().port
    stop_signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / f"{NAME}.gguf"
        write_model(model)
        server = serve(model, port)
        sys.stdout.write(f"{server.listening_address}\n")
        sys.stdout.flush()
        signal.sigwait(stop_signals)
        del server  # stops the server's threads


def serve(model: Path, port: int = 0) -> xllamacpp.Server:
    """Start llama.cpp's OpenAI-compatible server for `model`; it is ready when this returns, and stops when freed."""
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {NAME}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_ctx = CONTEXT * SLOTS
    params.n_parallel = SLOTS
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_threads_http = HTTP_THREADS
    params.embedding = True
    params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    params.endpoint_metrics = True
    params.warmup = params.ui = False
    params.verbosity = -1
    return xllamacpp.Server(params)


def write_model(path: Path) -> None:
    """Write a random two-layer Llama with byte tokens as an 8-bit GGUF file of about 190 KB."""
    writer = gguf.GGUFWriter(path, "llama")
    vocabulary = write_tokenizer(writer)
    writer.add_name(NAME)
    writer.add_vocab_size(vocabulary)
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    write_weights(writer, vocabulary)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_tokenizer(writer: gguf.GGUFWriter) -> int:
    """Add a tokenizer with one token per byte, and return the size of its vocabulary."""
    special = [b"<unk>", b"<s>", b"</s>"]
    kind = gguf.TokenType
    tokens = special + [f"<0x{byte:02X}>".encode() for byte in range(256)] + [b"\xe2\x96\x81"]
    types = [kind.UNKNOWN, kind.CONTROL, kind.CONTROL] + [kind.BYTE] * 256 + [kind.NORMAL]
    padding = -len(tokens) % 32  # the 8-bit format packs weights by 32
    tokens += [f"<pad{n}>".encode() for n in range(padding)]
    types += [kind.UNUSED] * padding
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(types)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_chat_template(CHAT_TEMPLATE)
    return len(tokens)


def write_weights(writer: gguf.GGUFWriter, vocabulary: int) -> None:
    """Add seeded random matrices for every layer; normalisations are ones."""
    random = np.random.default_rng(seed=7)
    ones = np.ones(WIDTH, np.float32)

    def matrix(name: str, rows: int, columns: int) -> None:
        values = (random.standard_normal((rows, columns)) * 0.05).astype(np.float32)
        quantised = gguf.quants.quantize(values, gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor(name, quantised, raw_dtype=gguf.GGMLQuantizationType.Q8_0)

    matrix("token_embd.weight", vocabulary, WIDTH)
    matrix("output.weight", vocabulary, WIDTH)
    writer.add_tensor("output_norm.weight", ones)
    for layer in range(LAYERS):
        block = f"blk.{layer}"
        writer.add_tensor(f"{block}.attn_norm.weight", ones)
        writer.add_tensor(f"{block}.ffn_norm.weight", ones)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrix(f"{block}.{name}.weight", WIDTH, WIDTH)
        matrix(f"{block}.ffn_gate.weight", FEED_FORWARD, WIDTH)
        matrix(f"{block}.ffn_up.weight", FEED_FORWARD, WIDTH)
        matrix(f"{block}.ffn_down.weight", WIDTH, FEED_FORWARD)


if __name__ == "__main__":
    main()
