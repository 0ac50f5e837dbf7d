"""
The text of ``--help``: the model, its assumptions and where they come from.
"""

DESCRIPTION = "A stand-in fleet scheduler: replays real sessions and real requests over HTTP."

MODEL = """
what it does
  It is a client of the public API and of nothing else. In this order it reads the consents feed
  and the bookings feed; then, one UTC day of the replay after the other, it sends telemetry, asks
  decisions (POST /access/v1/evaluations, 1,000 at a time, each with context.time and
  context.telemetry, since the moment is past), lets permitted cars work for the bookings, and
  reports the metered usage (POST /api/v1/usage, 5,000 CloudEvents at a time, gzip). In the end it
  sends every car's telemetry of the present and asks the present's decisions.

cars that are parked and plugged in
  simulator/data/trondheim_ev_sessions.csv: 6,878 charging sessions of 97 residents in Trondheim,
  December 2018 to January 2020 (CC BY 4.0, Mendeley Data, DOI 10.17632/jbks2rcwyj).
  - Times are wall-clock times of Europe/Oslo. All sessions are moved by the same number of whole
    weeks, on the wall clock, so that weekday and hour stay as they were; the fewest weeks that
    bring the last plug-out to now or just after it. A session's length changes by an hour where it
    crosses a daylight-saving change in one of the two years only. Of the hour that autumn has
    twice, the first is meant, unless the plug-out would come before the plug-in.
  - A resident is a vehicle of --fleet. Every session is home, and plugged in from start to end.
  - Left out, each reason counted: no_plug_out, no_plug_in, no_resident, unreadable_time,
    unreadable_energy, under_a_minute, plug_out_before_plug_in, resident_without_vehicle,
    older_than_window, not_yet_begun, overlaps_same_resident (the later one). Sessions that reach
    out of the window are used inside it and counted as clipped. Pieces of a quarter-hour under a
    minute are not worked in.
  - The window is --weeks whole weeks, from a Monday 00:00 in Oslo, and the days of this week.

battery
  The published energy is charged from the plug-in on at 3.6 kW (16 A, one phase), or evenly over
  the session where that is not enough. The level on arrival is what leads to 90 %, at least 8 %.
  A missing energy counts as 0. Compute is fed from the wall and takes nothing from the battery.
  Temperature: the season of Trondheim (mean 6 °C, ± 9 °C, coldest on 25 January), + 6 °C in the
  garage, + up to 14 °C by work, levelling off within about half an hour.

work that arrives
  simulator/data/azure_llm_code_2023.csv: one hour of requests to a code-completion service
  (CC BY 4.0, Azure Public Dataset AzureLLMInferenceTrace_code; Patel et al., Splitwise, ISCA 2024).
  The trace is dealt to --one-in lanes, each lane repeats for ever, and each job reads one lane
  from a place of its own. A job is one run on one car for one booking, at most two hours.

from requests to seconds to energy (assumptions, not measurements)
  The accelerator draws 1 kW at full load and serves a code model of about 8 billion parameters
  with 8-bit weights, one request at a time:
    prefill   4,000 prompt tokens a second: 2 * 8e9 * 4,000 = 64 TFLOP/s, a tenth or less of what
              the in-car computers announced for these years do in 8 bits (compute-bound)
    decode       30 tokens a second: every token reads the 8 GB of weights once = 240 GB/s, the
              bandwidth class of LPDDR5X (memory-bound); Splitwise shows the two phases' nature
    power     95 % of rated power when busy, 12 % when idle and ready
  seconds = prompt tokens / 4,000 + generated tokens / 30, scaled with the car's rated power and
  with the owner's power limit. energy = busy seconds * busy power + idle seconds * idle power, in
  whole watt-hours, rounded down, so never above rated power * time. What does not fit into an
  interval is left to other cars.

who works
  For each quarter-hour the present cars are put in an order drawn for the local day and dealt to
  the bookings in force, four times the power booked, since owners may say no. Of those permitted
  the first run until the booked power is reached, each at most --hours-per-day-max a local day
  (an owner's caps of the day are only known to the application once it has settled that day) and
  within the power limit of its decision. One record covers one car within one settlement
  period (15 minutes of UTC).

done on purpose, each counted under on_purpose
  duplicates             1 % of the records are sent twice
  late                   0.5 % are sent six hours late; every seventh batch leaves in disorder
  corrections            0.3 % are corrected by a later record (supersedes), 10 % lower
  work_after_withdrawal  a car whose consent is withdrawn works two more quarter-hours
  work_past_the_hours    up to six cars work one quarter-hour past their owner's hours
  too_much_energy        one car's meter reads more than it can draw, on a fifth of its records
  unlabelled             one record without a workload category
  unknown_vehicle        one record of a vehicle that does not exist

twice the same
  Everything drawn by chance depends on --seed, the car and the time only. The same run against the
  same consents and bookings, given the same decisions, sends the same events with the same ids:
  duplicates, nothing else. Readings that wait for the next quarter-hour (is the job still running?)
  are sent by a later run. With --state a later run goes on where the last one stopped instead;
  with --follow it stays and keeps up with the present.
"""
