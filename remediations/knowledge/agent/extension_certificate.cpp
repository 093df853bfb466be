#include "remediations/knowledge/agent/extension_certificate.hpp"

#include <boost/algorithm/string/predicate.hpp>

#include "remediations/knowledge/configuration/extension_settings.hpp"

namespace remediations {

using machine::ErrorKind;

ExtensionCertificate::ExtensionCertificate(const machine::Machine& machine) {
    const auto settings = newest_backup_settings(machine);
    if (settings) {
        wanted_thumbprint_ = settings->thumbprint;
        settings_file_ = settings->file;
    } else if (settings.error().kind != ErrorKind::not_found) {
        error_ = settings.error();
        return;
    }
    const auto certificates = machine.certificates().list(store);
    if (!certificates && certificates.error().kind == ErrorKind::not_found) return;
    if (!certificates) {
        error_ = certificates.error();
        return;
    }
    for (const auto& certificate : *certificates) {
        const bool is_agents =
            boost::icontains(certificate.issuer, issuer) || boost::icontains(certificate.subject, issuer);
        const bool is_wanted = boost::iequals(certificate.thumbprint, wanted_thumbprint_);
        const bool is_newest = wanted_thumbprint_.empty() && is_agents &&
                               (!certificate_ || certificate_->not_before < certificate.not_before);
        if (is_wanted || is_newest) certificate_ = certificate;
    }
}

}  // namespace remediations
