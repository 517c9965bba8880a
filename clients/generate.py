#!/usr/bin/env python3
"""Makes the code of both packages out of proto/, with one compiler (grpcio-tools).

    python3 clients/generate.py [FOLDER]

Writes to js/gen and py/race_client/race below FOLDER, by default below clients/. It needs
requirements.txt and the packages of js/ (`npm ci`).
"""

import pathlib
import re
import shutil
import sys
import tempfile

from google.protobuf import descriptor_pb2
from grpc_tools import protoc
from importlib.resources import files

HERE = pathlib.Path(__file__).resolve().parent
PROTO = HERE.parent / "proto"
# What wallets sign besides our own messages: every file of Cosmos with messages that this chain takes, and
# what is packed into them.
COSMOS = PROTO / "third_party"
SIGNED = [
    path.relative_to(COSMOS).as_posix()
    for path in sorted((COSMOS / "cosmos").rglob("tx.proto"))
    if "service Msg" in path.read_text()
] + ["cosmos/bank/v1beta1/authz.proto", "cosmos/feegrant/v1beta1/feegrant.proto"]


def compile_protos(*arguments):
    # third_party first: a file is named by its path below the first folder that holds it.
    includes = [PROTO / "third_party", PROTO, files("grpc_tools") / "_proto"]
    status = protoc.main(["protoc", *(f"-I{folder}" for folder in includes), *map(str, arguments)])
    if status != 0:
        raise SystemExit(status)


def with_imports(protos):
    """The files and all that they import, but those that come with every protobuf library."""
    with tempfile.NamedTemporaryFile() as out:
        compile_protos("--include_imports", f"--descriptor_set_out={out.name}", *protos)
        found = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(out.name).read_bytes())
    return [file.name for file in found.file if not file.name.startswith("google/protobuf/")]


def javascript(ours, out):
    plugin = HERE / "js/node_modules/.bin/protoc-gen-es"
    if not plugin.exists():
        raise SystemExit(f"missing: {plugin}; get it: (cd clients/js && npm ci)")
    compile_protos(
        f"--plugin=protoc-gen-es={plugin}",
        f"--es_out={out}",
        "--es_opt=target=js+dts,import_extension=js",
        *with_imports(ours + SIGNED),
    )
    # The list of what there is, for those who look a type up by its name.
    modules = sorted(path for path in out.rglob("*_pb.js"))
    lines = []
    for number, path in enumerate(modules):
        name = path.relative_to(out).as_posix()
        symbol = "file_" + re.sub(r"[/.]", "_", name.removesuffix("_pb.js"))
        lines.append(f'export {{ {symbol} }} from "./{name}";')
    (out / "files.js").write_text("// Every file of this folder.\n" + "\n".join(lines) + "\n")


def python(ours, out):
    """Types of Cosmos are those of cosmpy: one process cannot hold two files of one name."""
    with tempfile.TemporaryDirectory() as made:
        compile_protos(
            f"--python_out={made}", f"--pyi_out={made}", f"--grpc_python_out={made}", *ours
        )
        for path in sorted(pathlib.Path(made).rglob("*.py*")):
            # A service file without a service.
            if path.name.endswith("_grpc.py") and "class " not in path.read_text():
                continue
            target = out / path.relative_to(pathlib.Path(made) / "race")
            target.parent.mkdir(parents=True, exist_ok=True)
            text = re.sub(r"^from race\.", "from race_client.race.", path.read_text(), flags=re.M)
            target.write_text(text)


def main():
    to = pathlib.Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else HERE
    ours = [path.relative_to(PROTO).as_posix() for path in sorted((PROTO / "race").rglob("*.proto"))]
    for folder, make in [(to / "js/gen", javascript), (to / "py/race_client/race", python)]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(ours, folder)


main()
