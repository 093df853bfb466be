#pragma once

#include <string>

#include "handler/report/report_outline.hpp"

namespace handler {

/// The report for people as one HTML document that needs nothing else: no network, no script. What came from the
/// machine is text in it and nothing more (see Html), and the content security policy forbids everything but its own
/// style sheet. `program` is what this program is called by in the commands that are shown.
std::string report_html(const remediations::Report& report, Subject subject, const std::string& program);

}  // namespace handler
