#pragma once

#include <string>
#include <string_view>

namespace machine {

/// Returns the text escaped for an element or, between double quotes, for an attribute.
std::string xml_escaped(std::string_view text);

}  // namespace machine
