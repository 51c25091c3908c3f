"""Patches of CloudWatch: alarms as they were put."""

from xml.sax.saxutils import escape


def describe_alarms_in_full():
    """`DescribeAlarms` omits half of each alarm in XML, so Terraform plans to change every alarm. Remove when
    `ministack.services.cloudwatch._describe_alarms` returns all stored fields.
    """
    from ministack.services import cloudwatch

    describe = cloudwatch._describe_alarms

    def members(values, inner):
        return "".join(f"<member>{inner(value)}</member>" for value in values)

    def fields(source, names):
        for name in names:
            value = source.get(name)
            if value is not None and value != "":
                text = str(value).lower() if isinstance(value, bool) else str(value)
                yield f"<{name}>{escape(text)}</{name}>"

    scalars = (
        "AlarmName AlarmArn AlarmDescription ActionsEnabled StateValue StateReason MetricName Namespace Statistic "
        "ExtendedStatistic Period Unit EvaluationPeriods DatapointsToAlarm Threshold ComparisonOperator "
        "TreatMissingData"
    ).split()

    def metric_alarm(alarm):
        # MiniStack stores defaults where AWS has nothing: an alarm on a percentile has no statistic, and one on an
        # expression has no period either.
        absent = () if alarm.get("MetricName") else ("Statistic", "Period")
        absent += ("Statistic",) if alarm.get("ExtendedStatistic") else ()
        text = "".join(fields(alarm, [name for name in scalars if name not in absent]))
        for name in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            text += f"<{name}>{members(alarm.get(name) or [], escape)}</{name}>"
        dimensions = members(alarm.get("Dimensions") or [], lambda d: "".join(fields(d, ("Name", "Value"))))
        return text + f"<Dimensions>{dimensions}</Dimensions>"

    def describe_in_full(params, cbor_data, is_cbor, is_json=False):
        status, headers, body = describe(params, cbor_data, is_cbor, is_json)
        if is_cbor or is_json or status != 200:
            return status, headers, body
        # MiniStack's own answer is right in which alarms it holds, and in their order.
        text = body.decode()
        start, end = text.index("<MetricAlarms>"), text.index("</MetricAlarms>")
        names = [part.split("</AlarmName>")[0] for part in text[start:end].split("<AlarmName>")[1:]]
        alarms = members(names, lambda name: metric_alarm(cloudwatch._alarms[name]))
        return status, headers, (text[:start] + "<MetricAlarms>" + alarms + text[end:]).encode()

    cloudwatch._describe_alarms = describe_in_full
