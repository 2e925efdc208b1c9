/** Lines of the trade profile about presentations: names, envelopes, workflows, replacement. */
import type { Check } from './trade-profile.ts';
import {
  asToken,
  CREDENTIALS,
  credential,
  enveloped,
  expectCode,
  expectValid,
  traceable,
  uuid,
} from './trade-profile-world.ts';

const presented = async (changes: Parameters<typeof traceable>[0] = {}): Promise<string> =>
  asToken(await traceable(changes), 'vp');

export const presentationChecks: Readonly<Record<string, Check>> = {
  'TI-7': async (vectors) => {
    await expectValid(vectors, await presented());
    await expectCode(vectors, await presented({ id: undefined }), 'VC_PROFILE');
    await expectCode(vectors, await presented({ id: 'https://mill.example/1' }), 'VC_PROFILE');
    // Version 1 of a UUID names a machine and a time.
    const v1 = 'urn:uuid:c232ab00-9414-11ec-b3c8-9f6bdeced846';
    await expectCode(vectors, await presented({ id: v1 }), 'VC_PROFILE');
    const bare = await presented({ '@context': [CREDENTIALS] });
    await expectCode(vectors, bare, 'VC_PROFILE', 'VC_SCHEMA');
  },

  'TI-8': async (vectors) => {
    for (const id of [undefined, 'https://mill.example/credentials/1']) {
      const token = await asToken(credential({ id }));
      const one = await presented({ verifiableCredential: [enveloped(token)] });
      await expectCode(vectors, one, 'VC_PROFILE');
    }
  },

  'TI-10': async (vectors) => {
    await expectValid(vectors, await presented());
    const token = await asToken(credential());
    const forged = enveloped(`${token.slice(0, -6)}AAAAAA`);
    await expectCode(vectors, await presented({ verifiableCredential: [forged] }), 'VC_SIGNATURE');
    const bare = { verifiableCredential: [credential()] };
    await expectCode(vectors, await presented(bare), 'VC_UNSECURED');
    const text = { verifiableCredential: [token] };
    await expectCode(vectors, await presented(text), 'VC_SCHEMA');
  },

  'TI-13': async (vectors) => {
    const definition = [uuid()];
    for (const instance of [uuid(), [uuid()], [uuid(), uuid()]]) {
      await expectValid(vectors, await presented({ workflow: { definition, instance } }));
    }
    const unnamed = { workflow: { definition, instance: ['the first one'] } };
    await expectCode(vectors, await presented(unnamed), 'VC_PROFILE');
  },

  'TI-14': async (vectors) => {
    await expectValid(vectors, await presented({ replace: uuid() }));
    await expectCode(vectors, await presented({ replace: 'the one before' }), 'VC_PROFILE');
  },
};
