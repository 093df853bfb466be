#pragma once

#include <string>
#include <string_view>

namespace machine {

/// The text as it stands in an element or, between double quotes, in an attribute.
std::string xml_escaped(std::string_view text);

}  // namespace machine
