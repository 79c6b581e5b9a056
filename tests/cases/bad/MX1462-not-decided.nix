{ lib, pkgs, ... }:
{
  boot.kernelPatches = [{
    name = "guest-memory";
    patch = null;
    structuredExtraConfig = with lib.kernel; {
      ARM64_4K_PAGES = yes;
      KVM = lib.mkIf (pkgs.stdenv.hostPlatform.isAarch64) yes;
      KVM_GUEST_MEMFD = whenAtLeast "7.0" yes;
    };
  }];
}
