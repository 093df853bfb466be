#include "remediations/machine/certificates.hpp"

namespace machine {

namespace {

Error unsupported(const std::string& store) {
    return Error::unsupported("this system has no certificate store " + store);
}

}  // namespace

Result<std::vector<StoredCertificate>> CertificateStore::list(const std::string& store) const {
    return unsupported(store);
}

Result<std::string> CertificateStore::serialized(const std::string& store, const std::string&) const {
    return unsupported(store);
}

Result<void> CertificateStore::add(const std::string& store, const std::string&) {
    return unsupported(store);
}

Result<void> CertificateStore::remove(const std::string& store, const std::string&) {
    return unsupported(store);
}

}  // namespace machine
