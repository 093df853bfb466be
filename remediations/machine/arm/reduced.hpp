#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

namespace machine::arm {

/// Of an answer, only these members ("properties.storageProfile.osDisk.name"; lists are looked through), each a text,
/// number or switch, or a list of such. Texts are cut at 4 KiB.
boost::json::value reduced(const boost::json::value& whole, const std::vector<std::string>& members);

}  // namespace machine::arm
