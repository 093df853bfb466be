#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "handler/report/page.hpp"

namespace handler {

/// Explains an error code, the id of a remediation, any text that the table of reasons knows ("0x80042306", "VSS
/// 12366", "EPERM", "HTTP 409", a log line), or one that a remediation looks for in logs and events. Returns nullopt
/// for any other text.
std::optional<std::string> explain_text(std::string_view word, const TextStyle& style);

/// A code:  {"schema":1,"code","origin","names":[...],"meaning","causes":[...],"remediations":[ID...],
///           "readings":[{"what","name","meaning","forBackup","lookAt"}...]}
/// Others:  {"schema":1,"readings":[...],"remediations":[ID...]}, the likeliest reading first
/// An id:   {"schema":1,"id","title","layer","platform","disruption","canFix","explanation",
///           "errorCodes":[...],"source"}
std::optional<std::string> explain_json(std::string_view word);

/// Returns every error code and every remediation as one Markdown document: remediations/CATALOGUE.md.
std::string catalogue_markdown();

/// Returns every word that can be explained, for near misses.
std::vector<std::string> explainable();

/// Returns all remediations, by layer.
std::string list_text(const TextStyle& style);
/// Returns {"schema":1,"remediations":[as explain_json() of an id]}.
std::string list_json();

}  // namespace handler
