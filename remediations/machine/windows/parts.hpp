#pragma once

#include <memory>

#include "remediations/machine/machine.hpp"

namespace machine::windows {

std::unique_ptr<Files> make_files();
std::unique_ptr<Services> make_services();
std::unique_ptr<Registry> make_registry();
std::unique_ptr<Processes> make_processes();
std::unique_ptr<Mounts> make_mounts();
std::unique_ptr<Network> make_network();
std::unique_ptr<EventLog> make_event_log();
std::unique_ptr<CertificateStore> make_certificate_store();
std::unique_ptr<Wmi> make_wmi();

}  // namespace machine::windows
