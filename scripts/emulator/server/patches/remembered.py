"""What MiniStack works out again in each request, for each row, from texts that do not change: expressions of DynamoDB and policies of IAM.

A day of the moved clock is 100,000 requests. Remove when MiniStack remembers them itself.
"""

import functools

KEPT = 4_096


def remember():
    from ministack.core import iam_evaluator
    from ministack.services import dynamodb

    tokenize, parse = dynamodb._tokenize, iam_evaluator.parse_policy_document
    # A tuple, because callers share it.
    dynamodb._tokenize = functools.lru_cache(KEPT)(lambda expression: tuple(tokenize(expression)))
    dynamodb._condition_syntax_error = functools.lru_cache(KEPT)(dynamodb._condition_syntax_error)

    of_text = functools.lru_cache(KEPT)(parse)
    iam_evaluator.parse_policy_document = lambda document: of_text(document) if isinstance(document, str) else parse(document)
