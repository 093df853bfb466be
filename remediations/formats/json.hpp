#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "remediations/machine/result.hpp"

namespace remediations {

/// Parses one JSON document of bounded nesting. Skips a UTF-8 byte order mark, which the Windows agent may write.
/// ErrorKind::invalid names `source`, line and column; it quotes nothing of the text, which may be secret.
machine::Result<boost::json::value> parse_json(std::string_view text, const std::string& source);

/// Returns "object", "string", ... as the JSON Schema calls them.
std::string_view type_name(const boost::json::value& value);

}  // namespace remediations
