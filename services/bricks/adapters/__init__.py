"""Weights: adapters and models in two forms, on their way to the engine that is to run them.

vLLM and Transformers read folders of safetensors, llama.cpp reads GGUF files. An adapter is trained
once (`train`) and put into the other form without losing a bit (`convert`); a model likewise
(`model` there, `unpack` back). An adapter can also be merged into its model, which is then
quantised and measured: `release` keeps the file only if the behaviour is still there (`effect`).

    base = embedded_model()
    convert(Path("heart/"), Path("heart.gguf"), base=base)               # for llama.cpp
    convert(base, Path("merged.gguf"), merge=Path("heart/"))
    release(Path("merged.gguf"), Path("heart.Q4_K_M.gguf"), "Q4_K_M", base=base)

Whatever comes in is read as if it were hostile (`gguf_file`, `safetensors_file`): lengths and
offsets are checked before they are used, and nothing in a file is run. What an adapter belongs to
is one digest (`base`), checked before it is converted, merged or measured.

Converted: models of the llama architecture with a byte-level BPE tokenizer, Llama 3's stretched
positions included. All else is refused with the reason. Only `train` needs torch.
"""
