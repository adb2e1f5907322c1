// A state store on a disk that may be full: SQLite's own files do not pass through the simulated disk, so its refusals are
// made here, as the real store reports them.
#pragma once

#include <memory>

#include "simulation/disk.h"
#include "storage/state_store.h"

namespace selvage::simulation {

std::unique_ptr<storage::StateStore> limited_by(std::shared_ptr<Disk> disk, std::unique_ptr<storage::StateStore> store);

}  // namespace selvage::simulation
