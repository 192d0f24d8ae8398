"""What one load run is to do, worked out from what was asked and what the profile allows."""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, replace
from typing import Any

from createflow import __version__
from createflow.scenarios.load.plan.bodies import body_template, documents_of, is_marked
from createflow.scenarios.load.plan.message import NodeConfig, Reading, RequestForm
from createflow.scenarios.load.plan.mix import Mix, mix_of
from createflow.scenarios.load.plan.options import Asked
from createflow.scenarios.load.plan.schedule import Schedule
from createflow.scenarios.load.plan.sender_count import sender_count
from createflow.scenarios.load.plan.shapes import clients_of, is_spelled_out, stages_of, with_warmup
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.templates import filled_path
from createflow.schemas.error import UserError
from createflow.schemas.operation import Operation
from createflow.schemas.profile import Profile

_MOST_PER_S = 100_000
"""Two or three times what a worker can send: it shows that it cannot, and still has time for everything else."""
_MOST_ARRIVALS = 1_000_000_000
_NEW_ID = "createflow-new-id"


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One run, ready to be handed to its nodes."""

    profile: Profile
    contract: Contract
    asked: Asked
    run_id: str
    seed: int
    schedule: Schedule
    """Warm-up and measured window."""
    mix: Mix
    bodies: tuple[str, ...]
    documents: tuple[dict[str, Any], ...]
    """What the bodies are made from, when a file was given."""
    senders: int
    """Over all nodes, as many on each: the most requests in flight."""
    notes: tuple[str, ...]
    """What the user should know about how the plan differs from what was asked."""

    @property
    def is_closed(self) -> bool:
        """The senders are clients that take turns, and nothing is scheduled."""
        return bool(clients_of(self.asked.shape))

    @property
    def warmup_s(self) -> float:
        """Where the measured window begins."""
        return self.asked.warmup_s

    @property
    def window_s(self) -> float:
        """How long the measured window is."""
        return self.schedule.duration_s - self.warmup_s

    @property
    def rate_per_s(self) -> float:
        """Arrivals asked for, the mean of the measured window; 0 when nothing is scheduled."""
        return self.schedule.expected(self.warmup_s, self.schedule.duration_s) / self.window_s

    @property
    def timeout_s(self) -> float:
        """How long one request may take, and how old an unsent one may become."""
        return self.profile.target.timeout_s

    @property
    def url(self) -> str:
        """The create URL."""
        return self.profile.target.base_url.rstrip("/") + self.profile.target.path

    @property
    def shape(self) -> str:
        """As asked, in words."""
        duration = f"{self.window_s:.3g} s"
        if is_spelled_out(self.asked.shape):
            told = self.asked.shape
        elif self.asked.shape in {"constant", "soak"}:
            told = f"{self.rate_per_s:g}/s for {duration}"
        elif self.is_closed:
            told = f"{self.senders} clients in turns (closed model) for {duration}"
        else:
            told = f"{self.asked.shape}, {self.schedule.peak_per_s:g}/s at the highest, for {duration}"
        return told + (", random (Poisson) arrivals" if self.asked.poisson else "")

    @property
    def is_marked(self) -> bool:
        """Whether creates can be found again by their names."""
        return is_marked(self.contract, run_id=self.run_id)

    @property
    def config_hash(self) -> str:
        """Of all that shapes the load: runs are compared only when it agrees."""
        document = asdict(replace(self.asked, seed=None, targets=(), data=None, master=None, web_port=None)) | {
            "bodies": [body.replace(self.run_id, "") for body in self.bodies],
            "path": self.profile.target.path,
            "method": self.profile.target.method,
        }
        return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def document(self, name: str) -> dict[str, Any]:
        """A representation as those of the load, with another name."""
        document = self.documents[0] if self.documents else self.contract.document()
        return {**document, self.contract.fields.name: name}

    def node_configs(
        self,
        credentials: tuple[tuple[str, str], ...],
        variables: dict[str, str],
        known: tuple[tuple[str, int], ...] = (),
    ) -> list[NodeConfig]:
        """One for each node; senders and schedule are divided, tokens are not.

        Args:
            credentials: header and value of each principal.
            variables: what set-up requests captured.
            known: paths of resources that can be read already, and the number of the principal that made each.
        """
        target = self.profile.target
        return [
            NodeConfig(
                index=index,
                of=self.asked.workers,
                run_id=self.run_id,
                base_url=target.base_url.rstrip("/"),
                ca_file=target.ca_file,
                stages=tuple((stage.duration_s, stage.from_per_s, stage.to_per_s) for stage in self.schedule.stages),
                poisson=self.schedule.poisson,
                seed=self.seed,
                warmup_s=self.warmup_s,
                pattern=self.mix.letters,
                forms={operation.value: self._form(operation, variables) for operation in self.mix.shares()},
                reading=self._reading(variables),
                credentials=credentials,
                known=known,
                senders=self.senders // self.asked.workers,
                timeout_s=self.timeout_s,
                drain_s=self.timeout_s,
                drop=self.asked.drop,
                closed=self.is_closed,
                locust_statistics=self.asked.web_port is not None,
            )
            for index in range(self.asked.workers)
        ]

    def _form(self, operation: Operation, variables: dict[str, str]) -> RequestForm:
        target = self.profile.target
        shared = {
            "User-Agent": f"createflow/{__version__} (bench {self.run_id})",
            "Accept": target.accept,
            **target.headers,
        }
        if operation is Operation.READ:
            return RequestForm("GET", "", tuple(shared.items()))
        with_body = tuple({**shared, "Content-Type": target.media_type}.items())
        if operation is Operation.UPDATE:
            return RequestForm("PUT", "", with_body, self.bodies)
        path = filled_path(target.path, {**variables, "new_id": _NEW_ID}).replace("%", "%%")
        # An id of the client's own: a UUID of version 4 by its form, unique by run and arrival.
        path = path.replace(_NEW_ID, f"{self.run_id}-0000-4000-8000-%012x")
        return RequestForm(target.method, path, with_body, self.bodies)

    def _reading(self, variables: dict[str, str]) -> Reading:
        target = self.profile.target
        path = target.read_path or f"{target.path.partition('/{new_id}')[0].rstrip('/')}/{{id}}"
        field = target.fields.id
        pointer = field if field.startswith("/") else f"{target.envelope.reply}/{field}" if field[0] != "@" else ""
        return Reading(
            filled_path(path, {**variables, "id": _NEW_ID}).replace(_NEW_ID, "{id}"), pointer, bool(target.read_path)
        )


def make_plan(profile: Profile, asked: Asked) -> LoadPlan:
    """Work out a run.

    Raises:
        UserError: something asked for makes no sense.
    """
    _check(asked)
    run_id = secrets.token_hex(4)
    seed = secrets.randbelow(2**32) if asked.seed is None else asked.seed
    contract = Contract(profile.target)
    mix = mix_of(asked.mix, seed=seed)
    if Operation.UPDATE in mix.shares() and not profile.target.update:
        raise UserError(f"--mix {asked.mix}: the target takes no updates", hint="[target] update = true")
    stages = stages_of(asked.shape, rate_per_s=asked.rate_per_s, duration_s=asked.duration_s)
    schedule = Schedule(with_warmup(stages, asked.warmup_s), asked.poisson, seed)
    _check_size(schedule, asked)
    documents = tuple(documents_of(asked.data)) if asked.data else ()
    senders, notes = sender_count(asked, peak_per_s=schedule.peak_per_s)
    if asked.data and contract.raw is not None:
        notes.append("--data is not used: [target] body_file says what every create is")
    return LoadPlan(
        profile=profile,
        contract=contract,
        asked=asked,
        run_id=run_id,
        seed=seed,
        schedule=schedule,
        mix=mix,
        bodies=tuple(body_template(contract, run_id=run_id, document=document) for document in documents or (None,)),
        documents=documents,
        senders=senders,
        notes=tuple(notes),
    )


def _check_size(schedule: Schedule, asked: Asked) -> None:
    if schedule.peak_per_s > _MOST_PER_S * asked.workers:
        raise UserError(
            f"{schedule.peak_per_s:,.10g}/s on {asked.workers} load workers: none can make more than {_MOST_PER_S:,}/s",
            hint="createflow bench --self-test measures what one can send here; --workers adds to it",
        )
    if schedule.expected(0.0, schedule.duration_s) > _MOST_ARRIVALS:
        raise UserError(
            f"more than {_MOST_ARRIVALS:,} requests: what became of each is held in memory",
            hint="a shorter --duration, or a lower --rate",
        )


def _check(asked: Asked) -> None:
    if not asked.rate_per_s > 0 or not asked.duration_s > 0 or asked.warmup_s < 0 or asked.workers < 1:
        raise UserError("rate, duration and workers must be above zero", hint="createflow bench --rate 500")
    if (asked.users is not None and asked.users < 1) or (asked.senders is not None and asked.senders < 1):
        raise UserError("users and senders must be above zero", hint="leave them out for a sensible number")
    if clients_of(asked.shape) and (asked.poisson or asked.drop or asked.senders):
        raise UserError(
            f"--shape {asked.shape} has no schedule: --poisson, --drop and --senders say nothing about it",
            hint="closed:N is N clients, each of which asks again when it was answered",
        )
