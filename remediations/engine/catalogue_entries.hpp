#pragma once

#include "remediations/model/remediation.hpp"

// The one list of all remediations, by layer and, within one, in the order they are to be repaired.
// clang-format off
#define REMEDIATIONS(entry)                     \
    /* guest agent */                           \
    entry(file_system_full)                     \
    entry(agent_library_read_only)              \
    entry(agent_library_noexec)                 \
    entry(agent_library_folder_wrong)           \
    entry(agent_folder_permissions)             \
    entry(wmi_registry_provider)                \
    entry(agent_service_marked_for_deletion)    \
    entry(agent_not_installed)                  \
    entry(agent_program_missing)                \
    entry(dotnet_framework_missing)             \
    entry(dotnet_32_bit_forced)                 \
    entry(machine_config_damaged)               \
    entry(wcf_profiling_enabled)                \
    entry(agent_configuration_values)           \
    entry(extensions_disabled)                  \
    entry(extensions_on_hold)                   \
    entry(agent_disabled_by_file)               \
    entry(extension_policy)                     \
    entry(agent_unit_changed)                   \
    entry(agent_python_broken)                  \
    entry(agent_openssl_missing)                \
    entry(agent_fips)                           \
    entry(agent_log_folder)                     \
    entry(agent_stale_pid_file)                 \
    entry(wire_server_endpoint_wrong)           \
    entry(goal_state_cache_damaged)             \
    entry(agent_cgroup_unavailable)             \
    entry(agent_update_failed)                  \
    entry(agent_restart_policy)                 \
    entry(agent_service_hangs)                  \
    entry(agent_not_running)                    \
    entry(agent_crash_looping)                  \
    entry(agent_service_crashes)                \
    entry(agent_foreign_modules)                \
    entry(agent_hung)                           \
    entry(agent_process_stopped)                \
    entry(agent_status_not_reported)            \
    entry(agent_waits_for_provisioning)         \
    entry(agent_not_ready_yet)                  \
    entry(transport_certificate_missing)        \
    entry(settings_not_decrypted)               \
    entry(key_isolation_unavailable)            \
    entry(key_folder_permissions)               \
    entry(certificate_key_unreadable)           \
    entry(extension_certificate_unusable)       \
    entry(agent_too_old)                        \
    entry(agent_auto_update_off)                \
    entry(agent_verbose_log)                    \
    entry(agent_package_update)                 \
    entry(agent_reinstall)                      \
    /* backup extension */                      \
    entry(mandatory_access_control)             \
    entry(application_control_blocks_extension) \
    entry(defender_blocks_extension)            \
    entry(windows_installer_disabled)           \
    entry(visual_cpp_runtime)                   \
    entry(extension_log_folder)                 \
    entry(extension_damaged)                    \
    entry(extension_not_executable)             \
    entry(extension_safefreeze_missing)         \
    entry(extension_no_interpreter)             \
    entry(extension_python_too_new)             \
    entry(extension_library_mismatch)           \
    entry(backup_extension_state)               \
    entry(extension_not_installed_yet)          \
    entry(extension_stuck_process)              \
    entry(extension_disk_listing)               \
    entry(extension_status_unwritable)          \
    entry(extension_run_broke_off)              \
    entry(command_too_late)                     \
    entry(other_extension_failed)               \
    entry(extension_error)                      \
    entry(extension_crashed)                    \
    entry(storage_assembly_in_cache)            \
    entry(fips_policy)                          \
    entry(strong_crypto_off)                    \
    entry(tls_12_off)                           \
    entry(provider_service_disabled)            \
    entry(provider_flags)                       \
    /* OS snapshot */                           \
    entry(clock_skew)                           \
    entry(windows_setup_unfinished)             \
    entry(rpc_services)                         \
    entry(event_system_service)                 \
    entry(system_event_notification)            \
    entry(cryptographic_services)               \
    entry(management_instrumentation)           \
    entry(desktop_heap)                         \
    entry(com_plus_service)                     \
    entry(msdtc_account)                        \
    entry(msdtc_not_running)                    \
    entry(msdtc_damaged)                        \
    entry(com_plus_coordinator)                 \
    entry(shadow_copy_provider_library)         \
    entry(shadow_copy_provider_service)         \
    entry(vss_service)                          \
    entry(event_class_library)                  \
    entry(vss_access_control)                   \
    entry(bitlocker_locked)                     \
    entry(snapshot_set_open)                    \
    entry(site_recovery_provider)               \
    entry(other_vss_provider)                   \
    entry(volume_snapshot_devices)              \
    entry(ntfs_damaged)                         \
    entry(volume_filter_drivers)                \
    entry(volume_not_supported)                 \
    entry(system_partition_missing)             \
    entry(shadow_storage_exhausted)             \
    entry(profile_list_damaged)                 \
    entry(vss_metadata_too_long)                \
    entry(system_writer_files)                  \
    entry(cluster_volume_writer)                \
    entry(sql_instance_unreachable)             \
    entry(sql_too_many_databases)               \
    entry(sql_writer_failed)                    \
    entry(sql_auto_close)                       \
    entry(snapshot_too_slow)                    \
    entry(vss_writer_crashed)                   \
    entry(vss_writers_not_reached)              \
    entry(vss_writer_missing)                   \
    entry(vss_writer_failed)                    \
    entry(vss_writer_of_service_failed)         \
    entry(vss_writer_of_application_failed)     \
    entry(vss_writer_refused)                   \
    entry(snapshot_from_host)                   \
    entry(snapshot_without_threads)             \
    entry(sql_copy_backup)                      \
    entry(file_system_frozen)                   \
    entry(freeze_hung)                          \
    entry(device_mapper_suspended)              \
    entry(thin_pool_full)                       \
    entry(file_system_errors)                   \
    entry(file_system_read_only)                \
    entry(network_mount_hung)                   \
    entry(freeze_lock_held)                     \
    entry(freeze_configuration)                 \
    entry(mounts_to_skip_ineffective)           \
    entry(mounts_listed_twice)                  \
    entry(mount_unreachable)                    \
    entry(container_mounts)                     \
    entry(freeze_timeout_too_short)             \
    entry(snapshot_inconsistent)                \
    entry(freeze_failed)                        \
    entry(plugin_host_configuration)            \
    entry(script_configuration)                 \
    entry(script_permissions)                   \
    entry(script_failed)                        \
    entry(workload_plugin)                      \
    entry(freeze_switched_off)                  \
    entry(unsupported_file_systems)             \
    entry(other_backup_product)                 \
    entry(memory_pressure)                      \
    entry(io_pressure)                          \
    entry(cpu_pressure)                         \
    entry(reboot_pending)                       \
    entry(backup_attempt_failed)                \
    /* managed disk */                          \
    entry(unsupported_system)                   \
    entry(ephemeral_os_disk)                    \
    entry(unmanaged_disk)                       \
    entry(shared_disk)                          \
    entry(disk_access_limited)                  \
    entry(disk_too_large)                       \
    entry(ultra_disk)                           \
    entry(write_accelerator)                    \
    entry(confidential_vm)                      \
    entry(disk_encryption)                      \
    entry(host_snapshot_service)                \
    entry(host_refuses_snapshot)                \
    entry(snapshot_limit_reached)               \
    entry(snapshot_rate_exceeded)               \
    entry(snapshot_conflict)                    \
    /* network */                               \
    entry(azure_proxy_agent)                    \
    entry(guest_firewall_blocks_wire_server)    \
    entry(windows_firewall_blocks_wire_server)  \
    entry(wire_server_route_missing)            \
    entry(dhcp_client_stopped)                  \
    entry(wrong_source_address)                 \
    entry(duplicate_network_configuration)      \
    entry(dhcp_disabled)                        \
    entry(npcap_loopback_adapter)               \
    entry(agent_proxy)                          \
    entry(system_proxy)                         \
    entry(wire_server_unreachable)              \
    entry(agent_container_stale)                \
    entry(goal_state_refused)                   \
    entry(extension_package_unavailable)        \
    entry(wrong_wire_server_answer)             \
    entry(name_resolution)                      \
    entry(storage_unreachable)                  \
    entry(tls_interception)                     \
    entry(instance_metadata_unreachable)        \
    entry(no_network_catch_all)                 \
    /* vault */                                 \
    entry(backup_job_failed)                    \
    entry(provider_not_registered)              \
    entry(platform_fault)                       \
    entry(resource_lock)                        \
    entry(restore_point_limit)                  \
    entry(restore_point_collection_deleted)     \
    entry(restore_point_exported)               \
    entry(transfer_slow)                        \
    entry(rbac_missing)                         \
    entry(key_vault_permission)                 \
    entry(encryption_info_invalid)              \
    entry(policy_denied)                        \
    entry(vm_not_running)                       \
    entry(agent_not_ready_in_azure)             \
    entry(snapshot_extension_failed)            \
    entry(provisioning_state_failed)            \
    entry(allow_extension_operations)           \
    entry(protection_stopped)                   \
    entry(protected_vm_not_found)               \
    entry(protection_quota)                     \
    entry(backup_already_running)               \
    entry(restore_only_code)                    \
    entry(platform_internal_error)
// clang-format on

namespace remediations::causes {

#define DECLARE_REMEDIATION(name) \
    namespace name {              \
    Remediation remediation();    \
    }
REMEDIATIONS(DECLARE_REMEDIATION)
#undef DECLARE_REMEDIATION

}  // namespace remediations::causes
