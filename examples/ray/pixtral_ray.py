"""Asks pixtral about a list of records on all nodes of a Ray cluster: Parquet or JSON Lines in, Parquet out.

    python pixtral_ray.py records.parquet answers --workers 8 --batch '-p "Describe {title|it}" --model pixtral-12b'

A record has an id, images (paths that all nodes see, URLs, or files as bytes) and, where --batch has no -p, a prompt;
its other columns fill the prompt's fields. --batch holds options of `pixtral batch`: with `--server http://vllm:8000` servers are asked in
place of an engine in each worker. Every worker keeps one pixtral process, which has its model loaded. The same command
goes on where an earlier one was ended: what is written is in the checkpoint.
"""

import argparse
import base64
import json
import os
import re
import shlex
import subprocess
import threading

import pyarrow as pa
import ray
from ray.data.checkpoint import CheckpointConfig


class Pixtral:
    """One `pixtral batch` process, fed with records; it answers each as it is done."""

    def __init__(self, command: list[str], folder: str):
        self.folder = folder
        # When the worker is gone its process has no more input, and ends.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __call__(self, rows: pa.Table) -> pa.Table:
        records = [self.record(row) for row in rows.to_pylist()]
        # In a thread of its own: a pipe holds 64 KiB, and answers come while records are written.
        feeder = threading.Thread(target=self.feed, args=(records,))
        feeder.start()
        answers = [json.loads(self.line()) for _ in records]
        feeder.join()
        by_id = {str(answer["id"]): answer for answer in answers}
        ordered = [by_id[str(record["id"])] for record in records]
        return pa.table(
            {
                "id": rows["id"],
                "text": pa.array([answer.get("text") for answer in ordered], pa.string()),
                "error": pa.array([answer.get("error", {}).get("message") for answer in ordered], pa.string()),
                "line": pa.array([json.dumps(answer, ensure_ascii=False) for answer in ordered], pa.string()),
            }
        )

    def feed(self, records: list[dict]) -> None:
        try:
            for record in records:
                self.process.stdin.write(json.dumps(record, default=str).encode() + b"\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # said where its answers are read

    def line(self) -> bytes:
        line = self.process.stdout.readline()
        if line.endswith(b"\n"):
            return line
        code = self.process.wait()
        if code < 0:
            os._exit(1)  # killed: Ray starts the worker anew and gives it its records again
        raise RuntimeError(f"pixtral ended with exit code {code}; what it said is in this worker's log")

    def record(self, row: dict) -> dict:
        images = row.get("images") or []
        sources = [self.source(image) for image in (images if isinstance(images, list) else [images])]
        return {**{name: value for name, value in row.items() if value is not None}, "images": sources}

    def source(self, image: str | bytes | dict) -> str:
        if isinstance(image, dict):  # as the datasets library keeps pictures
            image = image.get("bytes") or image["path"]
        if isinstance(image, bytes):
            return f"data:application/octet-stream;base64,{base64.b64encode(image).decode()}"
        # Paths begin where the list is; a worker's own folder is another.
        return image if re.match("(https?|file|data):", image) else os.path.join(self.folder, image)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", help="Parquet or JSON Lines, each row with an id of its own")
    parser.add_argument("answers", help="folder for Parquet files, seen by all nodes")
    parser.add_argument("--batch", default="", help="options of pixtral batch, quoted as for a shell")
    parser.add_argument("--pixtral", default="pixtral", help="the program, as a shell would start it")
    parser.add_argument("--workers", type=int, default=1, help="pixtral processes in the cluster")
    parser.add_argument("--cpus", type=float, default=1, help="cores of each")
    parser.add_argument("--gpus", type=float, default=0, help="GPUs of each")
    parser.add_argument("--rows", type=int, default=16, help="records that a worker is given, and can lose, at once")
    args = parser.parse_args()
    path, answers = os.path.abspath(args.records), os.path.abspath(args.answers)

    command = [*shlex.split(args.pixtral), "batch", "--records", "-", "--as-completed", "--quiet", *shlex.split(args.batch)]
    context = ray.data.DataContext.get_current()
    context.checkpoint_config = CheckpointConfig(
        id_column="id", checkpoint_path=f"{answers}.checkpoint", delete_checkpoint_on_success=False
    )
    read = ray.data.read_parquet if path.endswith(".parquet") else ray.data.read_json
    (
        read(path)
        .repartition(target_num_rows_per_block=args.rows)
        .map_batches(
            Pixtral,
            fn_constructor_args=(command, os.path.dirname(path)),
            batch_size=args.rows,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=args.workers, max_tasks_in_flight_per_actor=1),
            num_cpus=args.cpus,
            num_gpus=args.gpus,
        )
        .write_parquet(answers)
    )


if __name__ == "__main__":
    main()
