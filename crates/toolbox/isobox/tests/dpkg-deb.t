# makes a package and unpacks it
$ mkdir -p p/DEBIAN p/usr/bin; printf 'Package: demo\nVersion: 1.0\nArchitecture: all\nDescription: short\n long\n' >p/DEBIAN/control; echo x >p/usr/bin/f; dpkg-deb -b p >/dev/null; dpkg-deb -x p.deb o; find o | sort; cat o/usr/bin/f
o
o/usr
o/usr/bin
o/usr/bin/f
x
~ busybox: makes none
~ gnu: wants a maintainer

# fields
$ mkdir -p p/DEBIAN; printf 'Package: demo\nVersion: 1.0\nMaintainer: a\nArchitecture: all\nDescription: short\n long\n' >p/DEBIAN/control; dpkg-deb -b p >/dev/null; dpkg-deb -f p.deb Version; dpkg-deb -f p.deb Package Description; dpkg-deb -W p.deb
1.0
Package: demo
Description: short
 long
demo	1.0
~ busybox: makes none

# files
$ mkdir -p p/DEBIAN p/etc; printf 'Package: demo\nVersion: 1.0\nMaintainer: a\nArchitecture: all\nDescription: short\n' >p/DEBIAN/control; echo x >p/etc/f; dpkg-deb -b p >/dev/null; dpkg-deb -c p.deb | sed 's/.* //'
./
./etc/
./etc/f
~ busybox: makes none

# control files
$ mkdir -p p/DEBIAN; printf 'Package: demo\nVersion: 1.0\nMaintainer: a\nArchitecture: all\nDescription: short\n' >p/DEBIAN/control; dpkg-deb -b p x.deb >/dev/null; dpkg-deb -e x.deb c; ls c; dpkg-deb -e x.deb; cmp DEBIAN/control c/control
control
~ busybox: makes none

# what it is
$ mkdir -p p/DEBIAN; printf 'Package: demo\nVersion: 1.0\nMaintainer: a\nArchitecture: all\nDescription: short\n' >p/DEBIAN/control; dpkg-deb -b p x.deb >/dev/null; dpkg-deb -I x.deb | sed 's/[0-9][0-9]* bytes/N bytes/g' | grep -v '^ *N bytes'
 new Debian package, version 2.0.
 size N bytes: control archive=N bytes.
 Package: demo
 Version: 1.0
 Maintainer: a
 Architecture: all
 Description: short
~ busybox: makes none

# its own name in a directory, other compressions
$ mkdir -p p/DEBIAN o; printf 'Package: demo\nVersion: 1.0\nMaintainer: a\nArchitecture: all\nDescription: short\n' >p/DEBIAN/control; for z in gzip zstd none; do dpkg-deb -Z $z -b p o >/dev/null; dpkg-deb -f o/demo_1.0_all.deb Package; done
demo
demo
demo
~ busybox: makes none

# the archive of files
$ mkdir -p p/DEBIAN; printf 'Package: demo\nVersion: 1.0\nMaintainer: a\nArchitecture: all\nDescription: short\n' >p/DEBIAN/control; echo x >p/f; dpkg-deb -b p >/dev/null; dpkg-deb --fsys-tarfile p.deb | tar tf -
./
./f
~ busybox: makes none

# no control file
$ mkdir p; dpkg-deb -b p >/dev/null 2>&1; echo $?; ls
1
p
~ gnu: fails with 2
~ busybox: makes none

# what is no package
$ echo hello >x.deb; dpkg-deb -c x.deb 2>/dev/null
? 1
~ gnu: fails with 2
