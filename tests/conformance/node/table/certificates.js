// Certificates made with openssl, in a folder that goes with the process.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export class Certificates {
  constructor() { this.folder = mkdtempSync(path.join(tmpdir(), 'selvage-certificates-')); }

  remove() { rmSync(this.folder, { recursive: true, force: true }); }

  file(name) { return path.join(this.folder, name); }

  openssl(...args) { return execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'ignore'] }).toString(); }

  // NAME.key and NAME.pem. `issuer`: another's name, else self-signed; `chain`: names of what is presented with it; `end`: a Date,
  // else in two days.
  make(name, { cn = name, issuer, ca = false, chain = [], end } = {}) {
    const use = ca ? 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n' : 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\n';
    writeFileSync(this.file(`${name}.ext`), use);
    this.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
    this.openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${cn}`, '-out', `${name}.csr`);
    if (end) this.signUntil(end, name, issuer);
    else {
      const signer = issuer ? ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial'] : ['-signkey', `${name}.key`];
      this.openssl('x509', '-req', '-in', `${name}.csr`, '-extfile', `${name}.ext`, ...signer, '-days', '2', '-out', `${name}.pem`);
    }
    const read = (file) => readFileSync(this.file(file), 'utf8');
    return { cert: [name, ...chain].map((one) => read(`${one}.pem`)).join(''), key: read(`${name}.key`) };
  }

  // To the second, which `openssl x509` cannot.
  signUntil(end, name, issuer) {
    writeFileSync(this.file(`${name}.index`), '');
    writeFileSync(this.file(`${name}.ca`), `[ca]\ndefault_ca=d\n[d]\ndatabase=${name}.index\nrand_serial=yes\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n`);
    const signer = issuer ? ['-cert', `${issuer}.pem`, '-keyfile', `${issuer}.key`] : ['-selfsign', '-keyfile', `${name}.key`];
    const stamp = (date) => `${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`;
    this.openssl('ca', '-batch', '-notext', '-config', `${name}.ca`, '-in', `${name}.csr`, '-extfile', `${name}.ext`, ...signer,
      '-startdate', stamp(new Date(Date.now() - 3600_000)), '-enddate', stamp(end), '-out', `${name}.pem`);
  }

  thumbprint(name, digest) {
    return this.openssl('x509', '-in', `${name}.pem`, '-noout', '-fingerprint', `-${digest}`).split('=')[1].replaceAll(':', '').trim();
  }
}
