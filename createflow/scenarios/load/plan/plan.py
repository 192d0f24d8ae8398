"""One planned load run: the options, checked and combined with the profile, ready for the load workers."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from createflow.scenarios.load.plan.messages import NodeConfig
from createflow.scenarios.load.plan.mix import Mix, parse_mix
from createflow.scenarios.load.plan.options import LoadOptions, Senders, check_options, check_size, plan_senders
from createflow.scenarios.load.plan.request_forms import (
    make_body_template,
    make_read_path,
    make_request_form,
    name_style,
    read_documents,
    require_fit,
)
from createflow.scenarios.load.plan.schedule import (
    Schedule,
    add_warmup,
    is_custom_shape,
    parse_client_count,
    parse_shape,
)
from createflow.scenarios.load.plan.write_log import preflight_name
from createflow.scenarios.target.contract import Contract
from createflow.schemas.error import UserError
from createflow.schemas.operation import Operation
from createflow.schemas.profile import Profile

_CLOSED_PER_S = 2_000.0
"""Requests of a closed model, for what must be planned before it is known."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One run."""

    profile: Profile
    contract: Contract
    options: LoadOptions
    run_id: str
    seed: int
    schedule: Schedule
    """Warm-up and measured window."""
    mix: Mix
    bodies: tuple[str, ...]
    """Body templates."""
    documents: tuple[dict[str, Any], ...]
    """The documents of the data file that the bodies are made from; empty without a file."""
    senders: Senders
    notes: tuple[str, ...]
    """How the plan differs from the options, for the user."""
    name_style: str = ""
    """See ``NAME_STYLES``; empty where names cannot be searched."""
    read_back_ratio: float = 0.0
    """This share of the accepted creates is read after the load, at the URL that each reply names."""

    @property
    def is_closed(self) -> bool:
        """The load is a closed model: clients without a schedule."""
        return bool(parse_client_count(self.options.shape))

    @property
    def warmup_s(self) -> float:
        """Start of the measured window."""
        return self.options.warmup_s

    @property
    def window_s(self) -> float:
        """Length of the measured window."""
        return self.schedule.duration_s - self.warmup_s

    @property
    def rate_per_s(self) -> float:
        """Mean planned rate of the measured window; 0 for a closed model."""
        return self.schedule.arrival_count(self.warmup_s, self.schedule.duration_s) / self.window_s

    @property
    def expected_creates(self) -> float:
        """Creates that the run will send, at least one; in a closed model at most as many as are likely."""
        if self.is_closed:
            arrivals = _CLOSED_PER_S * self.schedule.duration_s
        else:
            arrivals = self.schedule.arrival_count(0.0, self.schedule.duration_s)
        return max(1.0, arrivals * self.mix.shares()[Operation.CREATE])

    @property
    def timeout_s(self) -> float:
        """How long one request may take, and how long an arrival may wait for a free sender."""
        return self.profile.target.timeout_s

    @property
    def url(self) -> str:
        """The URL that creates are sent to."""
        return self.profile.target.base_url.rstrip("/") + self.profile.target.path

    @property
    def shape(self) -> str:
        """The load as text, for example ``500/s for 20 s``. Reports with different texts are not compared."""
        duration = f"{self.window_s:.3g} s"
        if is_custom_shape(self.options.shape):
            text = self.options.shape
        elif self.options.shape in {"constant", "soak"}:
            text = f"{self.rate_per_s:g}/s for {duration}"
        elif self.is_closed:
            text = f"{self.senders.most} clients in turns (closed model) for {duration}"
        else:
            text = f"{self.options.shape}, {self.schedule.peak_per_s:g}/s at the highest, for {duration}"
        return text + (", random (Poisson) arrivals" if self.options.poisson else "")

    @property
    def removes_created(self) -> bool:
        """What the load creates is deleted after it: the profile allows it, and the user requests it."""
        return self.options.clean_up and self.profile.target.cleanup

    @property
    def has_searchable_names(self) -> bool:
        """Verification can find every create by its name."""
        return bool(self.name_style)

    @property
    def config_hash(self) -> str:
        """Hash of everything that shapes the load. Two runs are compared only when their hashes are equal."""
        document = asdict(replace(self.options, seed=None, targets=(), data=None, master=None, web_port=None)) | {
            "bodies": [body.replace(self.run_id, "") for body in self.bodies],
            "path": self.profile.target.path,
            "method": self.profile.target.method,
        }
        return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()[:16]

    def with_bodies(self) -> Self:
        """The plan with the templates of its bodies: at once, or when set-up requests have told what is in them.

        Raises:
            UserError: a body does not fit the schema.
        """
        contract = self.contract
        bodies = [make_body_template(contract, run_id=self.run_id, document=one) for one in self.documents or (None,)]
        if contract.raw is None and (self.documents or not contract.is_default):
            require_fit(contract, bodies, file=self.options.data)
        return replace(self, bodies=tuple(bodies), name_style=name_style(contract, run_id=self.run_id))

    def document(self) -> dict[str, Any]:
        """A document like those of the load, for the create before it."""
        document = self.documents[0] if self.documents else self.contract.document()
        if not self.documents and not self.name_style:
            return document
        return {**document, self.contract.fields.name: preflight_name(self.run_id, self.name_style or "words")}

    def node_configs(
        self,
        credentials: tuple[tuple[str, ...], ...],
        variables: Mapping[str, str | int],
        known: tuple[tuple[str, int], ...] = (),
    ) -> list[NodeConfig]:
        """One configuration for each load worker. Schedule and senders are divided; every worker gets all tokens.

        Args:
            credentials: of each principal, see ``Principal.parts``.
            variables: values that set-up requests captured.
            known: paths of existing resources, and the number of the principal that created each.
        """
        target = self.profile.target
        return [
            NodeConfig(
                index=index,
                node_count=self.options.workers,
                run_id=self.run_id,
                name_style=self.name_style or "words",
                created_status=target.created_status,
                verify_tls=target.verify_tls,
                base_url=target.base_url.rstrip("/"),
                ca_file=target.ca_file,
                client_certificate=target.certificate_parts,
                stages=tuple((stage.duration_s, stage.from_per_s, stage.to_per_s) for stage in self.schedule.stages),
                poisson=self.schedule.poisson,
                seed=self.seed,
                warmup_s=self.warmup_s,
                pattern=self.mix.letters,
                forms={
                    operation.value: make_request_form(
                        operation, target, run_id=self.run_id, bodies=self.bodies, variables=variables
                    )
                    for operation in self.mix.shares()
                },
                read_path=make_read_path(target, variables=variables),
                credentials=credentials,
                known=known,
                senders=self.senders.first // self.options.workers,
                most_senders=self.senders.most // self.options.workers,
                timeout_s=self.timeout_s,
                drain_s=self.timeout_s,
                drop=self.options.drop,
                closed=self.is_closed,
                location_origins=target.location_origins,
                reports_created=self.removes_created,
                read_back_ratio=self.read_back_ratio,
                clean_up={"target": target.model_dump(mode="json"), "variables": dict(variables)}
                if self.removes_created and self.options.master is not None
                else None,
                locust_statistics=self.options.web_port is not None,
            )
            for index in range(self.options.workers)
        ]


def _require_creates_alone(mix: Mix, options: LoadOptions) -> None:
    """Require nothing of a load whose creates are carried out later that needs the resource of a reply."""
    why = "the load does not wait for creates that are carried out later (target.accepted)"
    if set(mix.shares()) != {Operation.CREATE}:
        raise UserError(f"--mix {options.mix}: {why}, so it knows no resource to read or update", hint="--mix create=1")
    if options.clean_up:
        raise UserError(f"--clean-up: {why}, so it knows no resource to delete", hint="leave it out")


def make_plan(profile: Profile, options: LoadOptions) -> LoadPlan:
    """Plan a run.

    Raises:
        UserError: an option is not valid, or does not fit the profile.
    """
    check_options(options)
    run_id = secrets.token_hex(4)
    seed = secrets.randbelow(2**32) if options.seed is None else options.seed
    contract = Contract(profile.target, profile.promises, awaited=profile.captured)
    mix = parse_mix(options.mix, seed=seed)
    if Operation.UPDATE in mix.shares() and not profile.target.update:
        raise UserError(f"--mix {options.mix}: the profile does not declare updates", hint="set [target] update = true")
    if profile.target.accepted is not None:
        _require_creates_alone(mix, options)
    stages = parse_shape(options.shape, rate_per_s=options.rate_per_s, duration_s=options.duration_s)
    schedule = Schedule(add_warmup(stages, options.warmup_s), options.poisson, seed)
    check_size(schedule, options.workers)
    documents = tuple(read_documents(options.data)) if options.data else ()
    senders, notes = plan_senders(options, peak_per_s=schedule.peak_per_s, timeout_s=profile.target.timeout_s)
    if options.data and contract.raw is not None:
        notes.append("--data is ignored, because [target] body_file gives the body of every create")
    plan = LoadPlan(
        profile=profile,
        contract=contract,
        options=options,
        run_id=run_id,
        seed=seed,
        schedule=schedule,
        mix=mix,
        bodies=(),
        documents=documents,
        senders=senders,
        notes=tuple(notes),
    )
    return plan if contract.is_awaiting else plan.with_bodies()
