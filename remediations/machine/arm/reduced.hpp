#pragma once

#include <boost/json/value.hpp>
#include <string>
#include <vector>

namespace machine::arm {

/// Returns only these members of an answer ("properties.storageProfile.osDisk.name"; lists are searched). A member may
/// be a text, number or boolean, or a list of them. Texts are cut at 4 KiB.
boost::json::value reduced(const boost::json::value& whole, const std::vector<std::string>& members);

}  // namespace machine::arm
