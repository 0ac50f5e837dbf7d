"""
The main job on the demo world: replay, settle, release, pay out, tie out.
"""

import json
import sys
from collections.abc import Mapping

from config.devstack import stack
from config.devstack.screen import show, step
from config.devstack.supervisor import StepFailed, Supervisor
from config.devstack.surroundings import VAR, Options, replay_file, world_folder


def run(*, options: Options, supervisor: Supervisor, env: Mapping[str, str]) -> bool:
    """
    Run the main job once per world and return whether the books tie out.
    """
    with step("loading the demo world"):
        load = stack.manage("load_demo_world", f"--weeks={options.weeks}")
        supervisor.run(name="world", command=load, env=env)
    if replay_file().exists():
        show("the sessions of this world are replayed already (--fresh begins anew)")
    else:
        replay(options=options, supervisor=supervisor, env=env)
    with step("settling, releasing, paying out"):
        supervisor.run(name="payouts", command=stack.manage("run_demo_payouts"), env=env)
    return tie_out(supervisor=supervisor, env=env)


def replay(*, options: Options, supervisor: Supervisor, env: Mapping[str, str]) -> None:
    draft = replay_file().with_suffix(".draft")
    command = [*scheduler_command(options, env), f"--summary-file={draft}"]
    with step(f"replaying {options.weeks} weeks of sessions"):
        supervisor.run(name="scheduler", command=command, env=env)
    draft.replace(replay_file())


def keep_up(*, options: Options, supervisor: Supervisor, env: Mapping[str, str]) -> None:
    """
    Let the scheduler stay: cars go on reporting and working while somebody looks.
    """
    summary = world_folder() / "live.json"
    command = [*scheduler_command(options, env), "--follow", f"--summary-file={summary}"]
    supervisor.start(name="scheduler", command=command, env=env)


def scheduler_command(options: Options, env: Mapping[str, str]) -> list[str]:
    demo = json.loads((VAR / "demo.json").read_text(encoding="utf-8"))
    return [
        sys.executable,
        "-m",
        "simulator.scheduler",
        f"--base-url={env['BASE_URL']}",
        f"--api-key={demo['keys']['scheduler']}",
        f"--fleet={VAR / 'fleet.json'}",
        f"--weeks={options.weeks}",
        f"--state={world_folder() / 'scheduler.json'}",
    ]


def tie_out(*, supervisor: Supervisor, env: Mapping[str, str]) -> bool:
    """
    Print the summary; the command fails when a difference is left.
    """
    command = stack.manage("show_demo_summary", f"--replay={replay_file()}")
    try:
        supervisor.run(name="summary", command=command, env=env)
    except StepFailed:
        return False
    return True
