// SPDX-License-Identifier: Apache-2.0
//
// types.ts - the API's own names for its shapes, from api/openapi.yaml (schema.d.ts is made by
// `npm run types`).
import type { components } from './schema'

export type Schemas = components['schemas']

export type Endpoint = Schemas['Endpoint']
export type EndpointInput = Schemas['EndpointInput']
export type EventType = Schemas['EventType']
export type Delivery = Schemas['DeliveryRow']
export type DeliveryDetail = Schemas['DeliveryWithAttempts']
export type Attempt = Schemas['Attempt']
export type HeaderLines = Schemas['HeaderLines']
export type EventDetail = Schemas['Event']
export type EventRow = Schemas['EventRow']
