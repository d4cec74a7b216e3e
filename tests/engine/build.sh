#!/bin/sh
# Builds llama.cpp's llama-server, which Ollama wraps, from the source package of llama-cpp-python, once, into a folder
# (default: build/engine), and keeps beside it a vocabulary without weights, of which the tests make a model. Takes
# ten minutes on two cores; needs a C++ compiler, cmake and the package index. Once it is there, the script does nothing.
#
#     sh tests/engine/build.sh [FOLDER]
set -eu

VERSION=0.3.36
PYTHON=${PYTHON:-.venv/bin/python}
folder=${1:-build/engine}
jobs=${JOBS:-2}

mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
if [ "$(cat "$folder/version" 2>/dev/null)" = "$VERSION" ]; then
    echo "The engine is there: $folder/llama-server"
    exit 0
fi

"$PYTHON" -m pip download --quiet --no-deps --no-binary llama-cpp-python \
    --dest "$folder" "llama-cpp-python==$VERSION"
tar -xzf "$folder/llama_cpp_python-$VERSION.tar.gz" -C "$folder"
source="$folder/llama_cpp_python-$VERSION/vendor/llama.cpp"

# Speed is of no interest with a model this small, so the compiler is asked for little. The pages that the server could
# show would be fetched from the net, and its TLS is not needed on this machine.
cmake -S "$source" -B "$folder/objects" \
    -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE="-O2 -DNDEBUG" -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" \
    -DBUILD_SHARED_LIBS=OFF -DGGML_NATIVE=OFF -DGGML_CCACHE=OFF -DLLAMA_OPENSSL=OFF \
    -DLLAMA_BUILD_UI=OFF -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF
nice cmake --build "$folder/objects" --target llama-server --parallel "$jobs"

"$PYTHON" -m pip install --quiet "gguf>=0.17"
cp "$folder/objects/bin/llama-server" "$folder/llama-server"
cp "$source/models/ggml-vocab-llama-spm.gguf" "$folder/vocabulary.gguf"
rm -rf "$folder/objects" "$folder/llama_cpp_python-$VERSION" "$folder/llama_cpp_python-$VERSION.tar.gz"
echo "$VERSION" >"$folder/version"
echo "Built: $folder/llama-server"
