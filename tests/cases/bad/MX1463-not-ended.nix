with lib.kernel; {
  KVM = yes;
  ARM64_4K_PAGES = yes
  KVM_GUEST_MEMFD = yes;
}
