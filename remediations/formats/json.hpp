#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "remediations/machine/result.hpp"

namespace remediations {

/// One JSON document. A UTF-8 byte order mark before it is skipped, as the Windows agent may write
/// one. ErrorKind::invalid names `source`, line and column and quotes nothing of the text, which
/// may be secret. Nesting is bounded.
machine::Result<boost::json::value> parse_json(std::string_view text, const std::string& source);

/// "object", "string", ... as the JSON Schema calls them.
std::string_view type_name(const boost::json::value& value);

}  // namespace remediations
