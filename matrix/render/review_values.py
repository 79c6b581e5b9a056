"""A review as JSON: schema `matrix/review/1`."""

from __future__ import annotations

from matrix.expr.printer import to_c
from matrix.flows.review_result import KconfigAnswer, ReviewedRule, ReviewResult
from matrix.render.causes import cause_document, place_documents
from matrix.render.defects import study_defect_documents
from matrix.render.json import Json, diagnostic_document, fields, violation_document
from matrix.render.review_diff import proposal
from matrix.render.review_questions import questions
from matrix.render.synthesis import synthesize_document

REVIEW_SCHEMA = "matrix/review/1"


def review_values(result: ReviewResult) -> dict[str, Json]:
    """Return the JSON document; counts are of the cells that may have the capability."""
    check = result.check
    suggestion = synthesize_document(result.synthesis, result.compared)
    suggestion.pop("schema")
    suggestion["function"] = proposal(result).function
    suggestion["header"] = list(proposal(result).header)
    suggestion["diff"] = proposal(result).diff
    kept, sizes = result.granularity, result.page_sizes
    return {
        "schema": REVIEW_SCHEMA,
        "defects": study_defect_documents(result.defects),
        "patch": {
            **fields(check.patch, "file subject"),
            "path": check.path,
            "place": str(check.location),
            "function": list(check.lines),
            "inlined": list(check.inlined),
            "of_tree": list(result.of_tree),
        },
        "check": to_c(check.expression),
        "compiled_where": [to_c(guard.condition) for guard in check.guards],
        **fields(result, "predicate same_as assumes_patch kernels"),
        "kernels_without": list(result.without),
        "verdicts": {str(verdict): cells for verdict, cells in result.verdicts.items()},
        "causes": [cause_document(cause) for cause in result.causes],
        "rules": [_rule(item) for item in result.rules],
        "statements": [
            {
                **fields(item, "claim lines kernels instead source"),
            }
            for item in result.statements
        ],
        "kconfig": [_kconfig(item) for item in result.kconfig],
        "vm": {
            "parameter": check.parameter,
            "read": check.reads_parameter,
            "kinds": [
                {
                    "kind": item.kind,
                    "safe_beside": item.baseline,
                    "machines": item.machines,
                    "invariant": item.violation.invariant,
                    "kernels": list(item.kernels),
                }
                for item in result.vm_kinds
            ],
        },
        "placement": {
            "header": check.in_header,
            "inline": check.is_inline,
            "argument_incomplete": result.function is not None
            and check.path in result.function.incomplete_in,
        },
        "page_size": None
        if sizes is None
        else {
            **fields(sizes, "sizes compared differing"),
        },
        "granularity": {
            **fields(kept, "cells admitted"),
            "enforced_by": list(kept.keepers),
            "sources": dict(kept.sources),
        },
        "suggestion": suggestion,
        "questions": [
            {"line": item.line, "text": item.text, "answered_by": item.section}
            for item in questions(check.patch.comments)
        ],
        "diagnostics": [diagnostic_document(item) for item in result.diagnostics],
    }


def _rule(item: ReviewedRule) -> dict[str, Json]:
    return {
        "verdict": str(item.verdict),
        "cause": item.cause,
        "when": {name: list(met) for name, met, known in item.rule.shown if len(met) < len(known)},
        "cells": item.rule.cells,
        "cpus": [cpu for place in item.places for cpu in place.cpus],
        "where": place_documents(item.places),
        "example": dict(item.cell),
        "violations": [violation_document(finding) for finding in item.findings],
    }


def _kconfig(item: KconfigAnswer) -> dict[str, Json]:
    return {
        "condition": item.condition,
        "place": str(item.location),
        "directive": item.directive,
        "premise": item.premise or None,
        "kernels": [
            {
                "kernel": found.release,
                "status": str(found.status),
                "because": [
                    {
                        "text": constraint.condition.because or constraint.condition.text,
                        "source": constraint.condition.source,
                        "grounded": constraint.grounded,
                    }
                    for constraint in found.because
                ],
            }
            for found in item.kernels
        ],
    }
