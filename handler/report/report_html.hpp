#pragma once

#include <string>

#include "handler/report/report_outline.hpp"

namespace handler {

/// Returns the report for people as one HTML document that needs nothing else: no network, no script. Text from the
/// machine stays text (see Html), and the content security policy forbids everything but the document's own style
/// sheet. `program` is this program's name in the commands that are shown.
std::string report_html(const remediations::Report& report, Subject subject, const std::string& program);

}  // namespace handler
