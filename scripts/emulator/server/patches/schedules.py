"""Patches of EventBridge: rules and schedules to the second."""


def poll_schedules_every_second():
    """Schedules fire up to ten seconds late. Remove when MiniStack has a setting for it."""
    from ministack.services import eventbridge, scheduler

    eventbridge._SCHEDULER_TICK_INTERVAL = 1
    scheduler._SCHEDULE_TICK_INTERVAL = 1
