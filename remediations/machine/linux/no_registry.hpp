#pragma once

#include "remediations/machine/registry.hpp"

namespace machine::local {

/// Linux has no registry: every call returns ErrorKind::unsupported.
class NoRegistry final : public Registry {
public:
    Result<RegistryValue> value(const std::string&, const std::string&) const override { return unsupported(); }
    Result<std::vector<std::string>> subkeys(const std::string&) const override { return unsupported(); }
    Result<std::vector<std::string>> value_names(const std::string&) const override { return unsupported(); }
    Result<void> set_value(const std::string&, const std::string&, const RegistryValue&) override {
        return unsupported();
    }
    Result<void> remove_value(const std::string&, const std::string&) override { return unsupported(); }
    Result<void> remove_key(const std::string&) override { return unsupported(); }

private:
    static Error unsupported() { return Error::unsupported("Linux has no registry"); }
};

}  // namespace machine::local
