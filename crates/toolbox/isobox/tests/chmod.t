$ echo >f; chmod 600 f; stat -c %a f
600

$ echo >f; chmod 644 f; chmod u+x f; stat -c %a f
744

$ echo >f; chmod 644 f; chmod go-r f; stat -c %a f
600

$ echo >f; chmod 644 f; chmod a=rwx f; stat -c %a f
777

$ echo >f; chmod 644 f; chmod +x f; stat -c %a f
755

$ echo >f; chmod 644 f; chmod g=u f; stat -c %a f
664

$ echo >f; chmod 755 f; chmod -x f; stat -c %a f
644

$ mkdir -p d/e; echo >d/f; chmod 644 d/f; chmod -R go-rwx d; stat -c %a d d/e d/f
700
700
600

$ echo >f; chmod 644 f; mkdir d; chmod 755 d; chmod a+X f d; stat -c %a f d
644
755

$ echo >f; chmod 4755 f; stat -c %a f
4755

$ chmod 600 missing
? 1

$ echo >f; chmod x f
? 1

$ chmod 600
? 1

$ echo >f; chmod 600 f; echo >g; chmod 755 g; chmod --reference=g f; stat -c %a f
755
~ busybox: says: unrecognized option '--reference=g'

$ echo >f; chmod 644 f; chmod -v 600 f
mode of 'f' changed to 0600 (rw-------)
~ gnu: prints otherwise

$ echo >f; chmod 644 f; chmod u=rw,g=r,o= f; stat -c %a f
640

$ mkdir d; chmod 1777 d; stat -c %a d
1777
