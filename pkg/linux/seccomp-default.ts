import type { SeccompProfile, SeccompRuleLike } from "./seccomp.ts";

/**
 * RuntimeDefault: what a container may call unless its pod says otherwise. The list is the one
 * that container runtimes share; calls that only other architectures have are left out.
 */
const allowed = `
  accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown
  clock_adjtime clock_getres clock_gettime clock_nanosleep close close_range connect
  copy_file_range creat dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old
  epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit
  exit_group faccessat faccessat2 fadvise64 fallocate fanotify_mark fchdir fchmod fchmodat
  fchmodat2 fchown fchownat fcntl fdatasync fgetxattr flistxattr flock fork fremovexattr
  fsetxattr fstat fstatfs fsync ftruncate futex futex_requeue futex_wait futex_waitv futex_wake
  futimesat getcpu getcwd getdents getdents64 getegid geteuid getgid getgroups getitimer
  getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresuid getrlimit
  get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday
  getuid getxattr getxattrat inotify_add_watch inotify_init inotify_init1 inotify_rm_watch
  io_cancel ioctl io_destroy io_getevents io_pgetevents ioprio_get ioprio_set io_setup io_submit
  kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lgetxattr link
  linkat listen listmount listxattr listxattrat llistxattr lremovexattr lseek lsetxattr
  lsm_get_self_attr lsm_list_modules lsm_set_self_attr lstat madvise membarrier memfd_create
  memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall map_shadow_stack mmap
  mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedsend mq_unlink mremap mseal
  msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep
  newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc
  pkey_free pkey_mprotect poll ppoll prctl pread64 preadv preadv2 prlimit64 process_mrelease
  pselect6 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recvfrom recvmmsg
  recvmsg remap_file_pages removexattr removexattrat rename renameat renameat2 restart_syscall
  rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn
  rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam
  sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval
  sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select
  semctl semget semop semtimedop sendfile sendmmsg sendmsg sendto setfsgid setfsuid setgid
  setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit
  set_robust_list setsid setsockopt set_thread_area set_tid_address setuid setxattr setxattrat
  shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 socketpair splice stat
  statfs statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time
  timer_create timer_delete timer_getoverrun timer_gettime timer_settime timerfd_create
  timerfd_gettime timerfd_settime times tkill truncate umask uname unlink unlinkat uretprobe
  utime utimensat utimes vfork vmsplice wait4 waitid write writev
`;

/** More, for who holds the capability that the call needs anyway. */
const allowedWith: Readonly<Record<string, string>> = {
  CAP_DAC_READ_SEARCH: "open_by_handle_at",
  CAP_SYS_ADMIN:
    "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount " +
    "mount_setattr move_mount open_tree perf_event_open quotactl quotactl_fd setdomainname " +
    "sethostname setns syslog umount2 unshare",
  CAP_SYS_BOOT: "reboot",
  CAP_SYS_CHROOT: "chroot",
  CAP_SYS_MODULE: "delete_module init_module finit_module",
  CAP_SYS_PACCT: "acct",
  CAP_SYS_PTRACE: "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
  CAP_SYS_RAWIO: "iopl ioperm",
  CAP_SYS_TIME: "settimeofday clock_settime",
  CAP_SYS_TTY_CONFIG: "vhangup",
  CAP_SYS_NICE: "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
  CAP_SYSLOG: "syslog",
  CAP_BPF: "bpf",
  CAP_PERFMON: "perf_event_open",
};

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const newNamespaces = 0x7e02_0000;
const AF_ALG = 38;
const AF_VSOCK = 40;
const ENOSYS = 38;

/** Sorted by words; no empty ones. */
const words = (text: string): string[] => text.split(/\s+/).filter(Boolean);

const allow = (names: string[], args: SeccompRuleLike["args"] = []): SeccompRuleLike => ({
  names,
  action: "SCMP_ACT_ALLOW",
  args,
});

/** The profile for a process with these capabilities in its bounding set. */
export function defaultSeccomp(bounding: readonly string[]): SeccompProfile {
  const socket = (op: "SCMP_CMP_LT" | "SCMP_CMP_EQ" | "SCMP_CMP_GT", value: number) =>
    allow(["socket"], [{ index: 0, value, op }]);
  const isAdmin = bounding.includes("CAP_SYS_ADMIN");
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [
      allow(words(allowed)),
      allow(["process_vm_readv", "process_vm_writev", "ptrace", "arch_prctl", "modify_ldt"]),
      allow(["sync_file_range2"]),
      // Every family but the kernel's crypto and the hypervisor's: neither knows of namespaces.
      socket("SCMP_CMP_LT", AF_ALG),
      socket("SCMP_CMP_EQ", AF_ALG + 1),
      socket("SCMP_CMP_GT", AF_VSOCK),
      ...[0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff].map((value) =>
        allow(["personality"], [{ index: 0, value, op: "SCMP_CMP_EQ" }]),
      ),
      ...bounding.flatMap((name) => {
        const more = allowedWith[name];
        return more === undefined ? [] : [allow(words(more))];
      }),
      ...(isAdmin ? [] : plainClone),
    ],
  };
}

/** clone3 hides its flags from filters: "no such call" makes libc fall back to clone. */
const plainClone: readonly SeccompRuleLike[] = [
  allow(["clone"], [{ index: 0, value: newNamespaces, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }]),
  { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS },
];
