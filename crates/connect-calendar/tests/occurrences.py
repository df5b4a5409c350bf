"""Prints when the events of calendar files happen, by icalendar and recurring-ical-events.

usage: occurrences.py FILE...   (2000 to 2030; a file that takes over 20 s is given up)

Each file is read in a process of its own: icalendar remembers the time zones that one file
defines and takes them for those of the next.
"""

import datetime
import os
import signal
import sys

import icalendar
import recurring_ical_events


def shown(time):
    if not isinstance(time, datetime.datetime) or time.tzinfo is None:
        return time.isoformat()
    return time.astimezone(datetime.timezone.utc).replace(tzinfo=None).isoformat() + "Z"


def lines(path):
    with open(path, "rb") as file:
        calendars = icalendar.Calendar.from_ical(file.read(), multiple=True)
    for calendar in calendars:
        # One event without a start would keep all others from being read.
        calendar.subcomponents = [
            part
            for part in calendar.subcomponents
            if part.name == "VTIMEZONE" or part.name == "VEVENT" and "DTSTART" in part
        ]
        for event in recurring_ical_events.of(calendar).between((2000, 1, 1), (2030, 1, 1)):
            uid = " ".join(str(event.get("UID", "")).split())
            yield f"AT\t{uid}\t{shown(event['DTSTART'].dt)}\t{shown(event['DTEND'].dt)}"


def give_up(*_):
    raise TimeoutError("over 20 s")


for path in sys.argv[1:]:
    if os.fork():
        os.wait()
        continue
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(20)
    try:
        text = "\n".join([f"FILE\t{path}\t", *lines(path)])
    except Exception as error:
        text = f"FILE\t{path}\t{type(error).__name__}"
    print(text, flush=True)
    os._exit(0)
