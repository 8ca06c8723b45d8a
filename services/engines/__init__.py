"""Engines: what turns a prompt into words, and a sentence into a vector.

One protocol, three engines: `LlamaEngine` runs a GGUF model in this process with llama.cpp,
`VllmEngine` starts vLLM or connects to one, `HttpEngine` talks to any OpenAI-compatible server. All
stream, can be cancelled, keep a token and a time budget, and raise only the errors of
`services.engines.errors`. The first two hold adapters (`AdapterHost`) that are loaded, replaced and
let go while requests run; `SwitchingEngine` changes the model itself behind a drain.
Which engines may write for patients is a property of the catalogue (`authoring`), not of the code
that calls them. `Embedder` runs all-MiniLM-L6-v2 on onnxruntime.

    settings = EngineSettings()                    # CARETIER_ENGINE_* from the environment
    engine = open_engine(settings)
    async for piece in engine.generate(Prompt(system="…", user="…"), Budget(tokens=64, seconds=20)):
        print(piece, end="")
    await engine.close()
"""
