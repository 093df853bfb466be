#pragma once

#include <string>

#include "remediations/engine/engine.hpp"

namespace handler {

/// Returns the report for programs as one line of JSON (schema 1):
///   {"schema":1,"rootCause":ID|null,"findings":[{"id","layer","state","title","summary",
///    "evidence":[{"where","seen","expected"}],"action","changes":[...]}],
///    "rootCauseReason","mode","errorCode","runId":ID|null,"undo":COMMAND|null,"machine":{...}}
/// Bytes of the machine that are not UTF-8 become U+FFFD, so that the JSON is always valid.
std::string report_json(const remediations::Report& report);

}  // namespace handler
