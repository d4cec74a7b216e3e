"""A language model of random weights: it writes nonsense, and all that surrounds a model is real."""

from pathlib import Path

# Added by hand below: a space before the first token would not be what a grammar expects where a reply begins.
_OURS = ("tokenizer.chat_template", "tokenizer.ggml.add_space_prefix")
_WIDTH, _LAYERS, _HEADS, _INNER, _CONTEXT = 64, 2, 4, 128, 8192

# Roles in words, so that the beginning of a prompt is the same for all samples of a rubric.
_TEMPLATE = (
    "{% for m in messages %}<{{ m['role'] }}>\n{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>\n{% endif %}"
)


def write_tiny_model(vocabulary: Path, path: Path, *, seed: int) -> None:
    """``vocabulary`` is a GGUF file that holds a tokenizer only; the model takes it over. 5 MB, in about a second."""
    import gguf
    import numpy

    reader = gguf.GGUFReader(vocabulary)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny")
    writer.add_context_length(_CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(_LAYERS)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    for field in reader.fields.values():
        if field.name.startswith("tokenizer.") and field.name not in _OURS:
            kind = field.types[0]
            inner = field.types[-1] if kind == gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, field.contents(), kind, sub_type=inner)
    writer.add_chat_template(_TEMPLATE)
    writer.add_add_space_prefix(False)
    words = len(reader.fields["tokenizer.ggml.tokens"].data)
    chance = numpy.random.default_rng(seed)

    def add(name: str, *shape: int) -> None:
        values = chance.normal(0, 0.5, shape)
        writer.add_tensor(name, values.astype(numpy.float16 if len(shape) > 1 else numpy.float32))

    add("token_embd.weight", words, _WIDTH)
    add("output_norm.weight", _WIDTH)
    for number in range(_LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            add(f"blk.{number}.{name}.weight", _WIDTH)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{number}.{name}.weight", _WIDTH, _WIDTH)
        for name in ("ffn_gate", "ffn_up"):
            add(f"blk.{number}.{name}.weight", _INNER, _WIDTH)
        add(f"blk.{number}.ffn_down.weight", _WIDTH, _INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
