import { expect, it } from 'vitest'
import { cgroupQuota } from './cgroup-quota.ts'

const quota = (files: Record<string, string>) => cgroupQuota((path) => files[path])

it('reads cgroup v2, where the tightest group above holds', () => {
  const files = {
    '/proc/self/cgroup': '0::/kubepods/pod1/box\n',
    '/sys/fs/cgroup/kubepods/pod1/box/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/kubepods/pod1/cpu.max': '150000 100000\n',
    '/sys/fs/cgroup/kubepods/cpu.max': '800000 100000\n',
  }
  expect(quota(files)).toBe(1.5)
})

it('reads the root of a container, which is its own namespace', () => {
  expect(
    quota({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '400000 100000\n' }),
  ).toBe(4)
})

it('reads cgroup v1, whatever its controllers are mounted as', () => {
  const group = '4:memory:/a\n3:cpu,cpuacct:/docker/1\n'
  const limits = (folder: string, us: string) => ({
    '/proc/self/cgroup': group,
    [`${folder}/cpu.cfs_quota_us`]: us,
    [`${folder}/cpu.cfs_period_us`]: '100000\n',
  })
  expect(quota(limits('/sys/fs/cgroup/cpu,cpuacct/docker/1', '200000\n'))).toBe(2)
  expect(quota(limits('/sys/fs/cgroup/cpu', '50000\n'))).toBe(0.5)
  expect(quota(limits('/sys/fs/cgroup/cpu', '-1\n'))).toBeUndefined()
})

it('knows no limit where there are no cgroups', () => {
  expect(quota({})).toBeUndefined()
})
