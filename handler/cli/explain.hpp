#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "handler/report/page.hpp"

namespace handler {

/// What an error code or the id of a remediation means; no value for a word that is neither.
std::optional<std::string> explain_text(std::string_view word, const TextStyle& style);

/// A code:  {"schema":1,"code","origin","names":[...],"meaning","causes":[...],"remediations":[ID...]}
/// An id:   {"schema":1,"id","title","layer","platform","disruption","canFix","explanation",
///           "errorCodes":[...],"source"}
std::optional<std::string> explain_json(std::string_view word);

/// Every error code and every remediation, as one Markdown document: remediations/CATALOGUE.md.
std::string catalogue_markdown();

/// Every word that can be explained, for near misses.
std::vector<std::string> explainable();

/// All remediations, by layer.
std::string list_text(const TextStyle& style);
/// {"schema":1,"remediations":[as explain_json says of an id]}
std::string list_json();

}  // namespace handler
