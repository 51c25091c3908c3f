"""Patches of IAM: who calls, and which permission a call needs."""

import json
import re
import secrets


def accept_loopback_as_tls():
    """Our policies deny requests without TLS, and the emulator has no TLS on loopback. Remove when a setting marks requests of the
    same machine as secure.
    """
    from ministack import app

    pin = app.pin_request_origin
    app.pin_request_origin = lambda source_ip, secure_transport: pin(source_ip, True)


def authorize_batches_as_messages():
    """MiniStack requires sqs:SendMessageBatch for a batch, which IAM does not have: AWS requires the action of a single message.
    Remove when `ministack.core.iam_actions` maps batches.
    """
    from ministack.core import iam_actions

    extract = iam_actions.extract_iam_action

    def single(*request):
        action = extract(*request)
        return action.removesuffix("Batch") if action and action.startswith("sqs:") else action

    iam_actions.extract_iam_action = single


def authorize_batches_of_statements_on_their_tables():
    """MiniStack requires dynamodb:BatchExecuteStatement, which IAM does not have: AWS requires dynamodb:PartiQLUpdate and its siblings, on
    each statement's table. Remove when `ministack.core.iam_actions` maps statements.
    """
    from ministack.core import iam_actions

    checks = iam_actions.dynamodb_transaction_checks
    statement = re.compile(r'\s*(SELECT|INSERT|UPDATE|DELETE)\b[^"]*"([^"]+)"', re.IGNORECASE)

    def of_statements(action, body, region, account):
        if action != "dynamodb:BatchExecuteStatement":
            return checks(action, body, region, account)
        found = [statement.match(each["Statement"]) for each in json.loads(body)["Statements"]]
        # Without a check nothing allows the call.
        return [] if None in found else [
            (f"dynamodb:PartiQL{verb.title()}", f"arn:aws:dynamodb:{region}:{account}:table/{table}")
            for verb, table in {match.groups() for match in found}
        ]

    iam_actions.dynamodb_transaction_checks = of_statements


def know_no_other_root(access_key_id, secret_access_key):
    """MiniStack's root is anyone who sends the key `test`, twelve digits, or to S3 no key at all, and it checks no signature of it. Here
    the root user has one key pair, whose signatures are verified as those of functions are. Remove when MiniStack has a setting for it.
    """
    from ministack.core import iam_evaluator
    from ministack.services import sts

    iam_evaluator.is_root_access_key = sts.is_root_access_key = lambda access_key_id: False
    account = "000000000000"
    sts.register_session(access_key_id, {
        "Arn": f"arn:aws:iam::{account}:root",
        "UserId": account,
        "SecretAccessKey": secret_access_key,
    })


def give_functions_keys_of_this_run():
    """A function's keys are computed from its name and role, which anyone can do. Remove when MiniStack draws them at random."""
    from ministack.core import lambda_runtime
    from ministack.services import lambda_svc

    credentials, salt = lambda_runtime.execution_credentials, secrets.token_hex(16)

    def salted(config):
        return credentials({**config, "FunctionArn": f"{config['FunctionArn']}:{salt}"})

    lambda_runtime.execution_credentials = lambda_svc.execution_credentials = salted


def patch_authorization(access_key_id, secret_access_key):
    """The keys are the root user's."""
    accept_loopback_as_tls()
    authorize_batches_as_messages()
    authorize_batches_of_statements_on_their_tables()
    know_no_other_root(access_key_id, secret_access_key)
    give_functions_keys_of_this_run()
