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

}  // namespace machine::windows
