#pragma once

#include <boost/json/value.hpp>

#include "remediations/machine/registry.hpp"

namespace machine {

/// Returns {"type": number of winnt.h, "data": text, number, list of texts, or list of bytes}.
boost::json::value to_json(const RegistryValue& value);

/// ErrorKind::invalid says which member is wrong.
Result<RegistryValue> registry_value_from_json(const boost::json::value& json);

}  // namespace machine
